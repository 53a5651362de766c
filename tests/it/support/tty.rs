//! Runs under a pseudo terminal.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use super::ctl::Run;

/// An answer that is no key but the signal Ctrl-C gives: the terminal of a test controls no session.
pub const INTERRUPT: &str = "SIGINT";

/// Which streams are not the terminal.
#[derive(Default, Clone, Copy)]
pub struct Piped {
    pub stdout: bool,
}

/// What a run on a terminal gave.
pub struct Screen {
    /// What the terminal showed.
    pub text: String,
    /// What came through the pipe, where stdout was one.
    pub stdout: String,
    pub code: Option<i32>,
}

impl Run<'_> {
    /// Runs it on a terminal, 80 characters wide, and types each answer when its prompt has appeared.
    pub fn on_terminal(self, piped: Piped, answers: &[(&str, &str)]) -> Screen {
        let (controller, terminal) = open();
        let mut command = self.command();
        command.env("TERM", "xterm-256color");
        if let Some((_, value)) = self.command().get_envs().find(|(name, _)| *name == "TERM") {
            command.env("TERM", value.unwrap_or_default());
        }
        command.stdin(Stdio::from(terminal.try_clone().unwrap())).stderr(Stdio::from(terminal.try_clone().unwrap()));
        command.stdout(if piped.stdout { Stdio::piped() } else { Stdio::from(terminal.try_clone().unwrap()) });
        let mut child = command.spawn().unwrap();
        // The terminal ends when its last holder is gone, and we are not to be it.
        drop((command, terminal));
        let watchdog = watch(&child);
        let text = converse(controller, &child, answers);
        drop(watchdog);
        let mut stdout = String::new();
        if let Some(mut pipe) = child.stdout.take() {
            pipe.read_to_string(&mut stdout).unwrap();
        }
        Screen { text, stdout, code: child.wait().unwrap().code() }
    }
}

/// Ends a run that hangs; dropping the sender calls it off.
fn watch(child: &Child) -> mpsc::Sender<()> {
    let (sender, receiver) = mpsc::channel::<()>();
    let pid = Pid::from_child(child);
    std::thread::spawn(move || {
        if receiver.recv_timeout(Duration::from_secs(20)) == Err(mpsc::RecvTimeoutError::Timeout) {
            let _ = kill_process(pid, Signal::KILL);
        }
    });
    sender
}

fn open() -> (File, File) {
    let controller: OwnedFd = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&controller).unwrap();
    unlockpt(&controller).unwrap();
    let name = ptsname(&controller, Vec::new()).unwrap();
    tcsetwinsize(&controller, Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
    let terminal = OpenOptions::new().read(true).write(true).open(name.to_str().unwrap()).unwrap();
    (File::from(controller), terminal)
}

/// Reads until the last holder of the terminal is gone.
fn converse(mut controller: File, child: &Child, answers: &[(&str, &str)]) -> String {
    let mut keyboard = controller.try_clone().unwrap();
    let mut answers = answers.iter();
    let mut next = answers.next();
    let mut screen = Vec::new();
    let mut chunk = [0; 4096];
    // A terminal whose last holder is gone gives an error (EIO), which is its end.
    while let Ok(length @ 1..) = controller.read(&mut chunk) {
        screen.extend_from_slice(&chunk[..length]);
        if let Some((prompt, answer)) = next
            && String::from_utf8_lossy(&screen).contains(prompt)
        {
            // The prompt appears a moment before the program switches the terminal to single keys.
            std::thread::sleep(Duration::from_millis(300));
            if *answer == INTERRUPT {
                kill_process(Pid::from_child(child), Signal::INT).unwrap();
            } else {
                keyboard.write_all(answer.as_bytes()).unwrap();
            }
            next = answers.next();
        }
    }
    String::from_utf8_lossy(&screen).into_owned()
}
