//! The commands of docs/testing.md, run as they stand there, and its files: each is that of the repository, or is used.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Command, Output},
};

use tower_cors::explain::Cases;

use crate::{
    folder::Folder,
    process::{executable, file},
    readme::{SERVE, arguments_of, comparable, steps},
};

fn page() -> String {
    fs::read_to_string(file("docs/testing.md")).expect("the page")
}

/// The blocks of one kind.
fn blocks(page: &str, kind: &str) -> Vec<String> {
    let begin = format!("```{kind}\n");
    let blocks = page.split(&begin).skip(1);
    blocks.map(|rest| rest.split("```").next().unwrap_or_default().to_owned()).collect()
}

/// A folder in which the examples are where they are in a checkout, and what is written goes away.
fn checkout(name: &str) -> Folder {
    let folder = Folder::new(name);
    let copy = |from: &str| folder.write(from, &fs::read_to_string(file(from)).expect("a file of the examples"));
    for name in ["cases.yaml", "failing.yaml"] {
        copy(&format!("examples/testing/{name}"));
    }
    for state in ["manifests", "proposed"] {
        for name in ["gateway.yaml", "routes.yaml"] {
            copy(&format!("examples/testing/{state}/{name}"));
        }
    }
    folder
}

fn run_in(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(executable()).current_dir(folder).args(arguments).output().unwrap()
}

#[test]
fn the_commands_print_what_the_page_shows() {
    let (page, folder) = (page(), checkout("testing-page"));
    let mut commands = 0;
    for block in blocks(&page, "console") {
        for (command, shown) in steps(&block) {
            assert!(command.starts_with(SERVE), "{command}");
            let output = run_in(folder.path(), &arguments_of(command));
            let printed = comparable(&String::from_utf8_lossy(&output.stdout));
            if !shown.is_empty() {
                assert_eq!(printed, shown, "{command}");
            }
            assert_eq!(output.status.code(), Some(i32::from(printed.contains("FAILED"))), "{command}");
            commands += 1;
        }
    }
    assert!(commands >= 4, "only {commands} commands were found");
    let xml = fs::read_to_string(folder.path().join("report.xml")).expect("a report");
    let [shown] = &blocks(&page, "xml")[..] else { panic!("one report is shown") };
    assert!(xml.starts_with(shown.as_str()), "{xml}");
}

/// Those of examples/README.md that end by themselves.
#[test]
fn the_commands_of_the_examples_succeed() {
    let (page, folder) =
        (fs::read_to_string(file("examples/README.md")).expect("the page"), checkout("testing-examples-page"));
    folder.write(
        "examples/manifests/httproute-cors.yaml",
        &fs::read_to_string(file("examples/manifests/httproute-cors.yaml")).unwrap(),
    );
    let commands = page.split('`').skip(1).step_by(2).filter(|command| command.starts_with(SERVE));
    let ending: Vec<_> = commands
        .map(arguments_of)
        .filter(|arguments| !arguments.is_empty() && arguments[0] != "--kubernetes")
        .collect();
    for arguments in &ending {
        let output = run_in(folder.path(), arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(ending.len(), 4);
}

#[test]
fn the_file_of_the_page_is_that_of_the_examples() {
    let shown = blocks(&page(), "yaml");
    assert_eq!(shown, [fs::read_to_string(file("examples/testing/cases.yaml")).expect("the file")]);
}

#[test]
fn the_pipeline_passes_what_is_served_and_stops_what_is_wider() {
    let [pipeline] = &blocks(&page(), "sh")[..] else { panic!("one pipeline is shown") };
    let (examples, folder) = (checkout("testing-examples"), Folder::new("testing-pipeline"));
    let repository = folder.path().join("repository");
    let put = |from: &str, to: &str| {
        let text = fs::read_to_string(examples.path().join(from)).unwrap();
        folder.write(&format!("repository/policies/{to}"), &text);
    };
    put("examples/testing/cases.yaml", "cases.yaml");
    for name in ["gateway.yaml", "routes.yaml"] {
        put(&format!("examples/testing/manifests/{name}"), &format!("manifests/{name}"));
    }
    let programs = executable().parent().unwrap().display().to_string();
    let path = format!("{programs}:{}", std::env::var("PATH").unwrap_or_default());
    let shell = |line: &str| {
        let mut shell = Command::new("sh");
        shell.args(["-c", line]).current_dir(&repository).env("PATH", &path).env("GIT_CONFIG_GLOBAL", "/dev/null");
        shell.output().expect("a shell")
    };
    if !shell("git --version").status.success() {
        eprintln!("skipped: git is missing");
        return;
    }
    let commit = "git -c user.name=a -c user.email=a@a.example commit --quiet --all --message change";
    let begin =
        format!("git init --quiet --initial-branch main && git add . && {commit} && git switch --quiet -c change");
    let begun = shell(&begin);
    assert!(begun.status.success(), "{}", String::from_utf8_lossy(&begun.stderr));

    let passed = shell(pipeline);
    let text = String::from_utf8_lossy(&passed.stdout).into_owned();
    assert!(passed.status.success(), "{text}{}", String::from_utf8_lossy(&passed.stderr));
    assert!(text.ends_with("0 changed, 0 wider, 2 as before\n"), "{text}");
    assert!(!folder.path().join("served").exists() && repository.join("report.xml").exists());

    // No case knows of the previews.
    let known = fs::read_to_string(examples.path().join("examples/testing/manifests/gateway.yaml")).unwrap();
    let wider = known.replace("[https://app.example]", "[https://app.example, https://*.preview.example]");
    assert_ne!(wider, known);
    folder.write("repository/policies/manifests/gateway.yaml", &wider);
    let stopped = shell(pipeline);
    let text = String::from_utf8_lossy(&stopped.stdout).into_owned();
    assert_eq!(stopped.status.code(), Some(1), "{text}");
    assert!(text.contains("6 cases, 0 failed") && text.contains("WIDER: https://*.preview.example"), "{text}");
}

/// The codes of a table are those that an expectation takes.
#[test]
fn the_reasons_of_the_page_are_all_that_there_are() {
    let page = page();
    let tables = page.split("\n| the ").skip(1).map(|rest| rest.split("\n\n").next().unwrap_or_default());
    let cells = tables.flat_map(|table| table.lines().skip(2)).filter_map(|row| row.split('|').nth(1));
    let listed: BTreeSet<_> = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).map(str::to_owned).collect();
    let taken = |reason: &str| {
        let text = format!(
            "manifests: [m.yaml]\ncases:\n- {{page: https://a.example, fetch: GET https://b.example, \
             expect: {{blocked: {reason}}}}}"
        );
        Cases::read("cases.yaml", &text).is_ok()
    };
    let refused: Vec<_> = listed.iter().filter(|reason| !taken(reason)).collect();
    assert!(refused.is_empty(), "{refused:?}");
    let decisions = tower_cors::Reason::ALL.into_iter().map(|reason| reason.code().to_owned());
    let source = fs::read_to_string(file("src/browser/blocked.rs")).expect("the codes of the browser");
    let checks = source.split("-> &'static str {").skip(1).flat_map(|rest| {
        let body = rest.split("\n    }\n").next().unwrap_or_default();
        body.split('"').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>()
    });
    // The check of the response has the codes of that of the preflight, without its lead.
    let checks = checks.filter(|code| code.starts_with("preflight-") && code != "preflight-");
    let all: BTreeSet<_> = decisions.chain(checks).filter(|code| taken(code)).collect();
    let missing: Vec<_> = all.difference(&listed).collect();
    assert!(missing.is_empty() && all.len() > 20, "{missing:?}");
}
