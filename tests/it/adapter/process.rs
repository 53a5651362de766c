//! `serve adapter` as the real program, on a free port.

use std::io::{BufRead, BufReader};
use std::process::{Child, ExitStatus, Stdio};

use mesheryctl::model::adapter::Location;

use crate::support::env::Env;

/// A running adapter; killed when dropped.
pub struct Process {
    pub location: Location,
    child: Child,
    _env: Env,
}

impl Process {
    /// Starts the adapter of a mesh and waits until it says where it listens.
    pub fn start(mesh: &str) -> Self {
        let env = Env::new();
        let run = env.ctl(["serve", "adapter", mesh, "--port", "0"]);
        let mut child =
            run.command().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        lines.read_line(&mut said).unwrap();
        let address = said.split(" serves at ").nth(1).unwrap_or_else(|| panic!("it said: {said}"));
        let location = Location::parse(address.split(' ').next().unwrap()).unwrap();
        // What it says later is read, so that its pipe never fills.
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        Self { location, child, _env: env }
    }

    /// Asks it to stop, as containers are.
    #[cfg(unix)]
    pub fn terminate(&self) {
        let pid = rustix::process::Pid::from_raw(self.child.id().cast_signed()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    }

    /// Waits for its end.
    pub fn wait(mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// Its address for a client that is made of the generated code.
    pub fn url(&self) -> String {
        format!("http://{}", self.location)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
