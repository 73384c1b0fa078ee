//! The running gateway reads its manifests again when a file changes and on SIGHUP, and says on stderr what came of it.

use std::{fs, io::Write, process::Command, sync::mpsc::Receiver};

use crate::{
    folder::Folder,
    process::{Gateway, PATIENCE},
};

fn route(name: &str, origin: &str) -> String {
    format!(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {{name: {name}}}\nspec:\n  hostnames: [{name}.example]\n  \
         rules:\n  - filters: [{{type: CORS, cors: {{allowOrigins: [\"{origin}\"]}}}}]\n---\n"
    )
}

/// The lines up to the one that ends a reload.
fn told(lines: &Receiver<String>) -> Vec<String> {
    let mut told = Vec::new();
    loop {
        let line = lines.recv_timeout(PATIENCE).unwrap_or_else(|error| panic!("{error} after {told:?}"));
        let is_last = line.starts_with("reload");
        told.push(line);
        if is_last {
            return told;
        }
    }
}

fn allowed(gateway: &Gateway, host: &str) -> (u16, Option<String>) {
    let response = gateway.send("GET", "/", &[("host", host), ("origin", "https://new.example")]);
    (response.status(), response.header("access-control-allow-origin").map(str::to_owned))
}

#[test]
fn a_changed_file_is_served_and_a_broken_one_is_refused() {
    let folder = Folder::new("reload-changes");
    folder.write("m.yaml", &(route("a", "https://old.example") + &route("b", "https://old.example")));
    let (gateway, lines) = Gateway::start_heard(&[&folder.path().join("m.yaml").display().to_string()]);
    assert_eq!(allowed(&gateway, "a.example"), (200, None));

    folder.write("m.yaml", &(route("a", "https://new.example") + &route("c", "https://new.example")));
    let expected = [
        "effective policy changed: HTTPRoute default/a rules[0]; allowOrigins: [https://old.example] -> [https://new.example]",
        "route added: HTTPRoute default/c",
        "route removed: HTTPRoute default/b",
        "reloaded, 3 changes",
    ];
    assert_eq!(told(&lines), expected);
    let new = Some("https://new.example".to_owned());
    assert_eq!(allowed(&gateway, "a.example"), (200, new.clone()));
    assert_eq!(allowed(&gateway, "c.example"), (200, new.clone()));
    assert_eq!(allowed(&gateway, "b.example"), (404, None));

    folder.write("m.yaml", &route("a", "new.example"));
    let refused = told(&lines);
    assert_eq!(refused.len(), 2, "{refused:?}");
    assert!(
        refused[0].ends_with(
            "spec.rules[0].filters[0].cors.allowOrigins[0]: \"new.example\" has no scheme; write \"https://new.example\""
        ),
        "{refused:?}"
    );
    assert_eq!(refused[1], "reload refused: the old configuration keeps serving");
    assert_eq!(allowed(&gateway, "a.example"), (200, new));
}

#[test]
fn what_is_doubtful_is_told_once_and_one_save_is_one_reload() {
    let folder = Folder::new("reload-lints");
    folder.write("m.yaml", &route("a", "https://a.example"));
    let (gateway, lines) = Gateway::start_heard(&[&folder.path().join("m.yaml").display().to_string()]);
    let risky = route("a", "*").replace("cors: {", "cors: {allowCredentials: true, ");
    // As some editors save: emptied first, then written in parts.
    let mut file = fs::File::create(folder.path().join("m.yaml")).unwrap();
    for part in risky.as_bytes().chunks(40) {
        file.write_all(part).unwrap();
    }
    drop(file);
    let saved = told(&lines);
    let [lint, change, last] = &saved[..] else { panic!("{saved:?}") };
    assert!(lint.starts_with("critical: ") && lint.ends_with(" [any-origin-with-credentials]"), "{saved:?}");
    assert_eq!(
        change,
        "effective policy changed: HTTPRoute default/a rules[0]; allowOrigins: [https://a.example] -> [*]; \
         allowCredentials: unset -> true"
    );
    assert_eq!(last, "reloaded, 1 change, 1 new lint");
    // Further down in the file it is the same lint, and nothing was reloaded in between.
    folder.write("m.yaml", &(route("b", "https://b.example") + &risky));
    assert_eq!(told(&lines), ["route added: HTTPRoute default/b", "reloaded, 1 change"]);
    drop(gateway);
}

#[test]
fn a_file_that_comes_into_a_folder_is_served_and_one_that_goes_is_not() {
    let folder = Folder::new("reload-folder");
    folder.write("a.yaml", &route("a", "https://new.example"));
    let (gateway, lines) = Gateway::start_heard(&[&folder.path().display().to_string()]);
    assert_eq!(allowed(&gateway, "b.example"), (404, None));
    folder.write("b.yaml", &route("b", "https://new.example"));
    assert_eq!(told(&lines), ["route added: HTTPRoute default/b", "reloaded, 1 change"]);
    assert_eq!(allowed(&gateway, "b.example"), (200, Some("https://new.example".to_owned())));
    fs::remove_file(folder.path().join("a.yaml")).unwrap();
    assert_eq!(told(&lines), ["route removed: HTTPRoute default/a", "reloaded, 1 change"]);
}

#[cfg(unix)]
#[test]
fn a_hangup_has_the_manifests_read_again() {
    let folder = Folder::new("reload-hangup");
    folder.write("m.yaml", &route("a", "https://new.example"));
    let (gateway, lines) = Gateway::start_heard(&[&folder.path().join("m.yaml").display().to_string()]);
    let hangup = Command::new("kill").args(["-HUP", &gateway.id().to_string()]).status().unwrap();
    assert!(hangup.success());
    assert_eq!(told(&lines), ["reloaded, 0 changes"]);
    assert_eq!(allowed(&gateway, "a.example"), (200, Some("https://new.example".to_owned())));
}
