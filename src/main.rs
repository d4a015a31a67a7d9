//! The program `ballast`.
#![forbid(unsafe_code)]

/// See Cargo.toml.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    ballast::cli::main()
}
