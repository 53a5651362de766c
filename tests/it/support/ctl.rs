//! Runs of the real program.

use std::ffi::OsString;
use std::fmt;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use super::env::Env;

/// The program.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_mesheryctl");

/// A run that is being prepared.
#[must_use]
pub struct Run<'e> {
    env: &'e Env,
    program: PathBuf,
    args: Vec<OsString>,
    variables: Vec<(String, Option<OsString>)>,
    stdin: Option<Vec<u8>>,
}

impl<'e> Run<'e> {
    pub fn new(env: &'e Env, args: Vec<OsString>) -> Self {
        Self { env, program: PROGRAM.into(), args, variables: Vec::new(), stdin: None }
    }

    /// Runs another file than the program as it was built.
    pub fn program(self, path: impl Into<PathBuf>) -> Self {
        Self { program: path.into(), ..self }
    }

    /// Sets an environment variable.
    pub fn var(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.variables.push((name.to_owned(), Some(value.into())));
        self
    }

    /// Removes one that is set by default (HOME, PATH, LANG).
    pub fn without(mut self, name: &str) -> Self {
        self.variables.push((name.to_owned(), None));
        self
    }

    /// What stands on standard input; nothing by default.
    pub fn stdin(mut self, text: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(text.into());
        self
    }

    /// The prepared command: a clean environment, private folders.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(&self.args)
            .env_clear()
            .env("HOME", self.env.path("home"))
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("LANG", "C.UTF-8")
            .current_dir(self.env.path("work"));
        for (name, value) in &self.variables {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command
    }

    /// Runs it to its end, whatever that is; the test must look at it.
    #[must_use]
    pub fn run(self) -> Output {
        let mut command = self.command();
        command.stdin(if self.stdin.is_some() { Stdio::piped() } else { Stdio::null() });
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        if let Some(text) = &self.stdin {
            child.stdin.take().unwrap().write_all(text).unwrap();
        }
        self.ended(child)
    }

    /// The end of a process that was started from [`Run::command`] with both streams piped.
    pub fn ended(&self, child: Child) -> Output {
        let output = child.wait_with_output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Output {
            stdout: text(output.stdout),
            stderr: text(output.stderr),
            code: output.status.code(),
            root: self.env.root().display().to_string(),
        }
    }

    /// Runs it and wants success.
    pub fn ok(self) -> Output {
        let output = self.run();
        assert_eq!(output.code, Some(0), "{output}");
        output
    }
}

/// What a run gave. Shown as one block, the private folder as `$ROOT`.
pub struct Output {
    pub stdout: String,
    pub stderr: String,
    pub code: Option<i32>,
    root: String,
}

impl Output {
    /// stdout as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self}"))
    }

    /// stderr as JSON.
    pub fn error_json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stderr).unwrap_or_else(|error| panic!("{error}: {self}"))
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self.code.map_or_else(|| "killed".to_owned(), |code| code.to_string());
        let text = format!("exit: {code}\n--- stdout\n{}--- stderr\n{}", self.stdout, self.stderr);
        f.write_str(&text.replace(&self.root, "$ROOT"))
    }
}
