//! The commands of `docs/kubernetes.md`, run as they stand there against a real server, and what they print held against
//! what stands below them.

use std::{fs, process::Command};

use crate::{
    gateway::Gateway,
    process::file,
    server::{self, Server},
    wait::wait_until,
};

const SERVE: &str = "cargo run --example gateway --features kubernetes,k8s-openapi-latest -- ";
/// Where the gateway listens unless it is told otherwise.
const DEFAULT: &str = "http://127.0.0.1:8080";

/// The commands of the page, each with the lines that stand below it.
fn commands() -> Vec<(String, Vec<String>)> {
    let page = fs::read_to_string(file("docs/kubernetes.md")).expect("the page");
    let blocks = page.split("```console\n").skip(1).map(|rest| rest.split("```").next().unwrap_or_default());
    let mut commands: Vec<(String, Vec<String>)> = Vec::new();
    for line in blocks.flat_map(str::lines) {
        match line.strip_prefix("$ ") {
            Some(command) => commands.push((command.to_owned(), Vec::new())),
            None => commands.last_mut().expect("a block begins with a command").1.push(line.to_owned()),
        }
    }
    commands
}

fn shell(server: &Server, command: &str) -> String {
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).current_dir(env!("CARGO_MANIFEST_DIR")).env("KUBECONFIG", server.kubeconfig("admin"));
    let output = shell.output().expect("a shell");
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The gateway with the arguments of the page, but for its addresses and the kubeconfig, which are the test's.
fn serve(server: &Server, arguments: &str) -> Gateway {
    let mut kept = Vec::new();
    let mut words = arguments.split_whitespace();
    while let Some(word) = words.next() {
        match word {
            "--kubernetes" => {}
            "--admin" => drop(words.next()),
            word => kept.push(word),
        }
    }
    Gateway::start_synced(&server.kubeconfig("admin"), &kept)
}

/// What the page says that answers come to after a command: the status, and the max-age where there is one.
fn answer_after(command: &str) -> Option<(u16, Option<&'static str>)> {
    match command {
        command if command.contains(" patch httproute ") => Some((200, Some("600"))),
        command if command.contains(" delete httproute ") => Some((404, None)),
        _ => None,
    }
}

#[test]
fn the_commands_of_the_page_do_what_it_says() {
    let Some(server) = server::own() else { return };
    let (mut gateway, mut asked, mut changed) = (None, 0, 0);
    for (command, shown) in commands() {
        if let Some(arguments) = command.strip_prefix(SERVE) {
            gateway = Some(serve(&server, arguments));
            continue;
        }
        let Some(gateway) = gateway.as_ref().filter(|_| command.starts_with("curl ")) else {
            shell(&server, &command);
            if let (Some(gateway), Some(expected)) = (&gateway, answer_after(&command)) {
                let headers = [("origin", "https://example.com"), ("access-control-request-method", "GET")];
                wait_until(&format!("{expected:?} after {command}"), || {
                    let answer = gateway.send("OPTIONS", "http://cors.example/get", &headers);
                    ((answer.status(), answer.header("access-control-max-age")) == expected).then_some(())
                });
                changed += 1;
            }
            continue;
        };
        assert!(command.contains(DEFAULT), "{command}");
        let printed = shell(&server, &command.replace(DEFAULT, &format!("http://{}", gateway.address)));
        let printed: Vec<_> = printed.lines().map(str::trim_end).collect();
        // `...` stands for what is left out.
        for line in shown.iter().filter(|line| *line != "...") {
            assert!(printed.contains(&line.as_str()), "{command} prints no {line:?} but {printed:#?}");
        }
        asked += 1;
    }
    assert!(asked >= 1 && changed >= 2, "{asked} requests, {changed} changes");
}
