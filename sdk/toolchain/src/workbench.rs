//! The folder of a plugin, and where the tools are found that work on it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::Error;

/// Names a folder with tools beside those on `PATH`.
const TOOLS: &str = "HOOKYARD_TOOLS";

/// Where the tools of a plugin lie in its folder, as npm and `python -m venv` have it. Not `bin`: a plugin may have one of
/// its own, and what lies there was never said to be a compiler.
const OWN_TOOLS: [&str; 2] = ["node_modules/.bin", ".venv/bin"];

/// Where they lie in the folder that `HOOKYARD_TOOLS` names: there, and as Unix has it.
const GIVEN_TOOLS: [&str; 3] = ["node_modules/.bin", ".venv/bin", "bin"];

/// A plugin's folder, and where the tools are found that work on it: in the folder itself (`node_modules/.bin`,
/// `.venv/bin`), in the one that `HOOKYARD_TOOLS` names (the same two, and `bin`), and on `PATH`, in this order.
#[derive(Debug)]
pub struct Workbench {
    project: PathBuf,
    /// What `HOOKYARD_TOOLS` names.
    tools: Option<PathBuf>,
    path: Vec<PathBuf>,
    say: fn(&str),
}

impl Workbench {
    /// For the plugin in `project`. `say` gets every command line before it is run.
    ///
    /// # Errors
    /// Where there is no such folder.
    pub fn new(project: &Path, say: fn(&str)) -> Result<Self, Error> {
        let tools = std::env::var_os(TOOLS).map(PathBuf::from);
        let path = std::env::var_os("PATH").unwrap_or_default();
        Self::with_tools(project, tools, std::env::split_paths(&path).collect(), say)
    }

    /// With tools in these places beside the plugin's folder.
    pub(crate) fn with_tools(
        project: &Path,
        tools: Option<PathBuf>,
        path: Vec<PathBuf>,
        say: fn(&str),
    ) -> Result<Self, Error> {
        let project = project.canonicalize().map_err(|error| Error::io("open", project, &error))?;
        Ok(Self { project, tools, path, say })
    }

    /// The plugin's folder, absolute.
    pub fn project(&self) -> &Path {
        &self.project
    }

    /// The name of the folder, which is the plugin's.
    pub fn name(&self) -> String {
        self.project.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// A path as seen from the plugin's folder, in which commands are run: shorter to read where they are printed.
    pub(crate) fn below<'a>(&self, path: &'a Path) -> &'a Path {
        path.strip_prefix(&self.project).unwrap_or(path)
    }

    /// A folder for what tools leave behind on the way to the component. `target`, as cargo has it: what was said to
    /// ignore one ignores the other.
    pub(crate) fn scratch(&self) -> Result<PathBuf, Error> {
        let folder = self.project.join("target/hookyard");
        std::fs::create_dir_all(&folder).map_err(|error| Error::io("make", &folder, &error))?;
        Ok(folder)
    }

    /// An executable of this name.
    pub(crate) fn find(&self, name: &str) -> Option<PathBuf> {
        let own = OWN_TOOLS.iter().map(|folder| self.project.join(folder));
        let given = self.tools.iter().flat_map(|tools| GIVEN_TOOLS.map(|folder| tools.join(folder)));
        let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
        let folders = own.chain(given).chain(self.path.iter().cloned());
        folders.map(|folder| folder.join(&file)).find(|file| is_executable(file))
    }

    /// A command that runs the executable of this name in the plugin's folder.
    pub(crate) fn command(&self, name: &str) -> Command {
        let mut command = Command::new(self.find(name).unwrap_or_else(|| name.into()));
        command.current_dir(&self.project);
        command
    }

    /// Prints a command and runs it; what it says goes to standard error.
    pub(crate) fn run(&self, command: &mut Command) -> Result<(), Error> {
        let line = shown(command);
        (self.say)(&line);
        // Standard output is for what `hookyard` itself has to say.
        let status = command.stdin(std::process::Stdio::null()).stdout(std::io::stderr()).status();
        match status {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(Error::Failed { command: line, status: status.to_string() }),
            Err(error) => Err(Error::Failed { command: line, status: error.to_string() }),
        }
    }

    /// Runs a command quietly. What it prints where it succeeds, without white space around it.
    pub(crate) fn ask(&self, command: &mut Command) -> Option<String> {
        let output = command.stdin(std::process::Stdio::null()).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Where the npm package of this name is installed: in the plugin's folder or in that of `HOOKYARD_TOOLS`.
    pub fn node_module(&self, package: &str) -> Option<PathBuf> {
        let homes = std::iter::once(&self.project).chain(&self.tools);
        let mut folders = homes.map(|home| home.join("node_modules").join(package));
        folders.find(|folder| folder.join("package.json").is_file())
    }
}

/// As one would type it.
fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default();
    let variables = command.get_envs().filter_map(|(name, value)| {
        let mut shown = OsString::from(name);
        shown.push("=");
        shown.push(value?);
        Some(shown)
    });
    let arguments = command.get_args().map(OsString::from);
    let words = variables.chain([program.to_owned()]).chain(arguments);
    words.map(|word| quoted(&word.to_string_lossy())).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=/.,:+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

fn is_executable(file: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        file.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
    }
    #[cfg(not(unix))]
    file.is_file()
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn put(file: &Path, mode: u32) -> PathBuf {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, "#!/bin/sh\necho \"$0 $HEIGHT $1\"\n").unwrap();
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(mode)).unwrap();
        file.to_path_buf()
    }

    #[test]
    fn the_plugins_own_tools_come_first_and_those_of_the_system_last() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let (project, tools, system) = (root.join("plugin"), root.join("tools"), root.join("system"));
        std::fs::create_dir(&project).unwrap();
        let bench =
            Workbench::with_tools(&project, Some(tools.clone()), vec![system.clone()], |_| {}).unwrap();

        assert_eq!(bench.find("esbuild"), None);
        put(&tools.join("bin/esbuild"), 0o644);
        assert_eq!(bench.find("esbuild"), None, "not executable");
        put(&project.join("bin/esbuild"), 0o755);
        assert_eq!(bench.find("esbuild"), None, "the plugin's `bin` has no tools");
        for place in [
            system.join("esbuild"),
            tools.join("bin/esbuild"),
            tools.join(".venv/bin/esbuild"),
            tools.join("node_modules/.bin/esbuild"),
            project.join("node_modules/.bin/esbuild"),
        ] {
            let tool = put(&place, 0o755);
            assert_eq!(bench.find("esbuild"), Some(tool));
        }
        assert_eq!(bench.node_module("esbuild"), None);
        put(&tools.join("node_modules/esbuild/package.json"), 0o644);
        assert_eq!(bench.node_module("esbuild"), Some(tools.join("node_modules/esbuild")));
    }

    #[test]
    fn a_command_is_shown_as_one_would_type_it_and_named_where_it_fails() {
        let folder = tempfile::tempdir().unwrap();
        put(&folder.path().join(".venv/bin/measure"), 0o755);
        let bench = Workbench::with_tools(folder.path(), None, Vec::new(), |_| {}).unwrap();
        let mut command = bench.command("measure");
        command.env("HEIGHT", "7 m").arg("it's");
        assert_eq!(shown(&command), r"'HEIGHT=7 m' measure 'it'\''s'");
        assert!(bench.ask(&mut command).unwrap().ends_with("bin/measure 7 m it's"));

        let failed = bench.run(bench.command("sh").args(["-c", "exit 3"])).unwrap_err();
        assert_eq!(failed.to_string(), "`sh -c 'exit 3'` failed: exit status: 3");
        let absent = bench.run(&mut bench.command("no-such-tool")).unwrap_err().to_string();
        assert!(absent.starts_with("`no-such-tool` failed: No such file"), "{absent}");
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let error = Workbench::new(Path::new("/no/such/plugin"), |_| {}).unwrap_err().to_string();
        assert!(error.starts_with("failed to open /no/such/plugin: "), "{error}");
    }
}
