//! The program `ballast`.
#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    ballast::cli::main()
}
