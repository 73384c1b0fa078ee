//! A process that does not outlive the tests, however they end.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

/// Starts the program, says its number, and ends it when standard input closes: the kernel closes it, too, for tests that
/// were killed. An interrupt of the terminal reaches the shell as well, which must live on for that.
const SCRIPT: &str =
    "trap '' INT; log=$1; shift; \"$@\" > \"$log\" 2>&1 < /dev/null & echo $!; read -r _; kill -KILL $!; wait $!";

/// Removes a folder when standard input closes; a second time for what a process that ends now wrote meanwhile.
const REMOVAL: &str = "trap '' INT; read -r _; rm -rf \"$1\" || rm -rf \"$1\"";

/// A process, which is ended at once when this is dropped.
pub(crate) struct Supervised {
    shell: Child,
}

impl Supervised {
    /// Starts a program, whose output goes to a file.
    pub(crate) fn start(command: &Command, log: &Path) -> Self {
        let mut shell = Command::new("sh");
        shell.args(["-c", SCRIPT, "sh"]).arg(log).arg(command.get_program()).args(command.get_args());
        let mut shell = shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("sh");
        // Its number stands there once the program runs.
        let mut line = String::new();
        BufReader::new(shell.stdout.take().expect("an output")).read_line(&mut line).expect("a number");
        assert!(line.trim().parse::<u32>().is_ok(), "{line:?}");
        Self { shell }
    }

    /// Removes a folder in the end: statics are never dropped, and tests may be killed.
    pub(crate) fn removal(folder: &Path) -> Self {
        let mut shell = Command::new("sh");
        let shell = shell.args(["-c", REMOVAL, "sh"]).arg(folder).stdin(Stdio::piped()).spawn();
        Self { shell: shell.expect("sh") }
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}
