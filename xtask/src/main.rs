//! `cargo xtask <task>`: what people here do twice. One module per task.

mod contract;
mod corpus;
mod fuzz;
mod plugins;
mod released;
mod tools;

use std::process::ExitCode;

const HELP: &str = "\
usage: cargo xtask <task>

tasks:
  plugins                  build every starter plugin into plugins/dist, after bringing the SDK's bindings up to date
  plugins --check          fail unless the bindings and every component in plugins/dist match the sources (no compiler needed)
  plugins --rebuild DIR    build every starter plugin into DIR and leave plugins/dist alone; may follow --check
  plugins --lang L         build the plugins in go, c, javascript, typescript, python, or all of these, into target/plugins; what
                           is not installed for it is named. --require (or CI=true) makes that a failure
  contract --check         fail unless what is published of the contract, in wit/, has only grown
  contract --publish       write down the contract as published, where it has only grown
  corpus                   fetch the real webhook payloads that tests and benchmarks read, into corpus/
  bench ingest [OPTIONS]   what one webhook costs, stage by stage; see docs/benchmarks.md
  bench durable [OPTIONS]  what it costs that a 2xx means something: accepting, the whole path, latency, a large backlog
  bench neighbours [OPTIONS]  what a good destination notices of ten bad ones
  bench plugin [OPTIONS]   what a plugin costs in every language: fresh, reused, in chains, with large bodies, on two threads
  bench verify [OPTIONS]   what it costs to prove a request genuine, beside the bare primitive, for every scheme
  fuzz [TARGET]… [--seconds N]  feeds signature checks, body views and expressions with whatever a fuzzer comes up with
  prove [PROOF] [OPTIONS]  what is lost to kill -9, a loss of power, I/O errors, a full disk; see docs/development.md
";

#[expect(clippy::print_stdout, reason = "help that was asked for goes to standard output")]
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments.as_slice() {
        [] | ["help" | "--help" | "-h"] => {
            print!("{HELP}");
            Ok(())
        }
        ["plugins", options @ ..] => plugins::run(options),
        ["contract", options @ ..] => contract::run(options),
        ["corpus"] => corpus::run(),
        ["bench", arguments @ ..] => released::run("hookyard-bench", arguments),
        ["fuzz", arguments @ ..] => fuzz::run(arguments),
        ["prove", arguments @ ..] => released::run("hookyard-prove", arguments),
        _ => Err(anyhow::anyhow!("no such task: {}\n\n{HELP}", arguments.join(" "))),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
