//! The `hookyard` program: a shell over the library.

use std::process::ExitCode;

/// Measured with this gateway's requests: 15 % less processor time than glibc's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    hookyard::cli::main()
}
