//! `hookyard plugin build`

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use hookyard_toolchain::{Error, Workbench};

use crate::cli::{complain, say};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    /// The plugin's folder
    #[arg(value_name = "DIR", default_value = ".")]
    folder: PathBuf,
    /// Where the component goes; target/NAME.wasm in the plugin's folder unless given
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> ExitCode {
    match build(&arguments.folder, arguments.output.as_deref()) {
        Ok(text) => {
            say(&text);
            ExitCode::SUCCESS
        }
        Err(error) => {
            complain(&format!("{error}\n"));
            ExitCode::FAILURE
        }
    }
}

fn build(folder: &Path, output: Option<&Path>) -> Result<String, Error> {
    let bench = Workbench::new(folder, |command| complain(&format!("$ {command}\n")))?;
    let component = hookyard_toolchain::build(&bench)?;
    let usual = Path::new("target").join(format!("{}.wasm", bench.name()));
    let file = match output {
        Some(file) => file.to_path_buf(),
        None if folder == Path::new(".") => usual,
        None => folder.join(usual),
    };
    hookyard_toolchain::write(&file, &component)?;
    Ok(format!("{} {} bytes\n", file.display(), component.len()))
}
