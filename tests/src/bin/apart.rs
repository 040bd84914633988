//! A gateway in a process of its own, for scenarios that look at what a process takes up: see `hookyard_tests::Apart`.

use std::process::ExitCode;

fn main() -> ExitCode {
    let (Some(folder), Ok(runtime)) = (
        std::env::args_os().nth(1),
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build(),
    ) else {
        return ExitCode::FAILURE;
    };
    runtime.block_on(hookyard_tests::serve_apart(folder.as_ref()));
    ExitCode::SUCCESS
}
