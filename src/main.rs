//! The program `ballast`.
#![forbid(unsafe_code)]

/// See its package.
#[global_allocator]
static ALLOCATOR: ballast_allocator::Allocator = ballast_allocator::Allocator;

fn main() -> std::process::ExitCode {
    ballast::cli::main()
}
