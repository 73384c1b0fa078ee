//! The commands of README.md, run as they stand there, and their output held against what stands below them. Each
//! `console` block is a gateway and what is asked of it.

use std::{
    fs,
    process::{Command, Output},
};

use crate::process::{Gateway, file, run};

pub(crate) const SERVE: &str = "cargo run --example gateway";
/// Where the gateway listens unless it is told otherwise.
const DEFAULT: &str = "http://127.0.0.1:8080";

#[test]
fn the_commands_print_what_the_readme_shows() {
    let readme = fs::read_to_string(file("README.md")).expect("README.md");
    let blocks = readme.split("```console\n").skip(1).map(|rest| rest.split("```").next().unwrap_or_default());
    let mut curls = 0;
    for block in blocks {
        let mut steps = steps(block).into_iter();
        let (start, shown) = steps.next().expect("a block begins with a command");
        assert!(start.starts_with(SERVE), "{start}");
        let arguments = arguments_of(start);
        if ["--check", "test"].iter().any(|word| arguments.contains(word)) {
            assert_eq!(comparable(&String::from_utf8_lossy(&run(&arguments).stdout)), shown, "{start}");
            continue;
        }
        let gateway = Gateway::start(&arguments);
        for (line, shown) in steps {
            assert!(line.starts_with("curl ") && line.contains(DEFAULT), "{line}");
            let printed = shell(&line.replace(DEFAULT, &format!("http://{}", gateway.address)));
            assert!(printed.status.success(), "{line}: {}", String::from_utf8_lossy(&printed.stderr));
            assert_eq!(comparable(&String::from_utf8_lossy(&printed.stdout)), shown, "{line}");
            curls += 1;
        }
    }
    assert!(curls >= 3, "only {curls} commands were found");
}

/// The words after ` -- `; none where there is nothing.
pub(crate) fn arguments_of(command: &str) -> Vec<&str> {
    command.split_once(" -- ").map(|(_, arguments)| arguments.split_whitespace().collect()).unwrap_or_default()
}

/// Each command of a block, on one line, with the output below it.
pub(crate) fn steps(block: &str) -> Vec<(&str, String)> {
    let commands = block.split("$ ").skip(1);
    let step = |text| {
        let end = end_of_command(text);
        (text[..end].trim_end(), comparable(&text[end..]))
    };
    commands.map(step).collect()
}

/// Where the line ends that no backslash continues.
fn end_of_command(text: &str) -> usize {
    let mut end = 0;
    for line in text.split_inclusive('\n') {
        end += line.len();
        if !line.trim_end().ends_with('\\') {
            break;
        }
    }
    end
}

/// The lines without their ends; the time is never the same.
pub(crate) fn comparable(output: &str) -> String {
    let lines = output.trim().lines().map(|line| if line.starts_with("date: ") { "date:" } else { line.trim_end() });
    lines.collect::<Vec<_>>().join("\n")
}

fn shell(line: &str) -> Output {
    Command::new("sh").args(["-c", line]).output().expect("a shell, and curl, which the README's commands need")
}

#[test]
fn a_block_is_read_as_commands_and_their_output() {
    let block = "$ cargo run\n$ curl a \\\n    b\nHTTP/1.1 200 OK\r\ndate: today\r\n\r\n";
    let expected = [("cargo run", ""), ("curl a \\\n    b", "HTTP/1.1 200 OK\ndate:")];
    assert_eq!(steps(block), expected.map(|(command, output)| (command, output.to_owned())));
}
