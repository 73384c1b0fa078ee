//! The tables that the README quotes: instructions and allocations a request above the bare handler, for this crate and
//! for tower-http, as Cargo's release profile builds them and with link-time optimisation; and what the feature `tracing`
//! adds under a subscriber at info. The `instructions` bench counts, run from here once a build; allocations are counted
//! here.
//!
//! It fails where a count is more than 2 % above `counts.toml`, if the compiler is the one of that file. `-- --write` writes that file anew. `-- --last` counts nothing
//! and takes what the last run counted.

use std::{
    convert::Infallible,
    env, fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use allocation_counter::measure;
use http::{Request, Response};
use scenarios::{
    Body, CALLS, Handler, SCENARIOS, Scenario,
    counts::{self, Counts},
    send_one,
};
use tower_service::Service;

/// A way in which users build: what it is called in the table, the profile, and the features of this package.
struct Build {
    name: &'static str,
    profile: &'static str,
    features: &'static str,
}

const BUILDS: [Build; 3] = [
    Build { name: "release", profile: "release", features: "" },
    // Cargo.toml has what it is.
    Build { name: "lto", profile: "bench", features: "" },
    Build { name: "tracing", profile: "release", features: "tracing" },
];

fn main() -> ExitCode {
    if let Some((program, install)) = counts::missing_program() {
        println!("no instructions: {program} is not there; install it: {install}");
        print_table(&[]);
        return ExitCode::SUCCESS;
    }
    match compare() {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            println!("{reason}");
            ExitCode::FAILURE
        }
    }
}

/// Counts, prints, and holds the counts against the committed ones.
fn compare() -> Result<(), String> {
    let runs = BUILDS.iter().map(Run::of).collect::<Result<Vec<_>, _>>()?;
    print_table(&runs);
    print_tracing(&runs);
    let (file, mut counted) = (Path::new(env!("CARGO_MANIFEST_DIR")).join("counts.toml"), counted(&runs));
    if is_asked("--write") {
        let text = counts::written(&counted).map_err(|error| error.to_string())?;
        return fs::write(&file, [HEADER, &toolchain(), "\n", &text].concat()).map_err(|error| error.to_string());
    }
    let text = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    let committed = counts::read(&text).map_err(|error| format!("{}: {error}", file.display()))?;
    // Each compiler makes other code of the same source.
    if !text.contains(toolchain().trim()) {
        println!("not compared: {} was counted with another compiler", file.display());
        return Ok(());
    }
    for _ in 0..3 {
        if counts::risen(&committed, &counted).is_empty() {
            break;
        }
        // Once more, since a hash table has another seed in each run.
        let again = BUILDS.iter().map(Run::of).collect::<Result<Vec<_>, _>>()?;
        counted = counts::lower(counted, &self::counted(&again));
    }
    let risen = counts::risen(&committed, &counted);
    if risen.is_empty() {
        Ok(())
    } else {
        Err([&["risen above benches/counts.toml:".to_owned()], &*risen].concat().join("\n"))
    }
}

fn is_asked(option: &str) -> bool {
    env::args().any(|argument| argument == option)
}

const HEADER: &str = "# Instructions a request above the bare handler, in this crate's layer, by build. `.ci/run` fails where one is more than
# 2 % above this. `cargo bench --package benches --bench table -- --write` writes it anew. Counted with ";

fn toolchain() -> String {
    let output = Command::new("rustc").arg("--version").output();
    output.map_or_else(|_| "rustc".into(), |output| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The counts of this crate's layer.
fn counted(runs: &[Run]) -> Counts {
    let row = |run: &Run, at: usize| Some((SCENARIOS[at].name.to_owned(), run.above("in_ours", at)?));
    let rows = |run: &Run| (0..SCENARIOS.len()).filter_map(|at| row(run, at)).collect();
    runs.iter().map(|run| (run.name.to_owned(), rows(run))).collect()
}

fn print_table(runs: &[Run]) {
    let run = |name| runs.iter().find(|run| run.name == name);
    let profiles = [run("release"), run("lto")];
    println!(
        "| request | bound | allocations | tower-http | release | tower-http | ratio | LTO | tower-http | ratio |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    let mut over = Vec::new();
    for (at, scenario) in SCENARIOS.iter().enumerate() {
        let bound = scenario.bound;
        print!("| {} {} | {} · {} ", scenario.name, scenario.about, bound.instructions, bound.allocations);
        print!("| {} | {} ", allocations(scenario, scenario.ours()), allocations(scenario, scenario.peer()));
        for run in profiles {
            let above = |function| run.and_then(|run| run.above(function, at));
            let (ours, peers) = (above("in_ours"), above("in_peer"));
            let ratio = ours.zip(peers).map(|(ours, peers)| format!("{:.1}", peers as f64 / ours as f64));
            print!("| {} | {} | {} ", shown(ours), shown(peers), shown(ratio));
            if ours.is_some_and(|ours| ours > bound.instructions) && !over.contains(&scenario.name) {
                over.push(scenario.name);
            }
        }
        println!("|");
    }
    if !over.is_empty() {
        println!("over their bound: {}", over.join(", "));
    }
}

/// What `tracing` adds, with a subscriber at info: nothing is logged but denials.
fn print_tracing(runs: &[Run]) {
    let [release, _, tracing] = runs else { return };
    println!("\n| request | release | with `tracing`, at info | more |\n|---|---|---|---|");
    for (at, scenario) in SCENARIOS.iter().enumerate() {
        let (without, with) = (release.above("in_ours", at), tracing.above("in_ours", at));
        let more = without.zip(with).map(|(without, with)| with as i64 - without as i64);
        println!("| {} {} | {} | {} | {} |", scenario.name, scenario.about, shown(without), shown(with), shown(more));
    }
}

fn shown(count: Option<impl ToString>) -> String {
    count.map_or("–".into(), |count| count.to_string())
}

/// Allocations of one request above the bare handler.
fn allocations<S>(scenario: &Scenario, mut service: S) -> u64
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone,
{
    send_one(&mut service, scenario.request());
    let (alone, within) = (scenario.request(), scenario.request());
    let bare = if scenario.is_preflight() {
        measure(|| drop(alone)).count_total
    } else {
        measure(|| send_one(&mut Handler, alone)).count_total
    };
    let counted = if scenario.cloned {
        measure(|| send_one(&mut service.clone(), within)).count_total
    } else {
        measure(|| send_one(&mut service, within)).count_total
    };
    counted - bare
}

/// What the `instructions` bench counted in one build.
struct Run {
    name: &'static str,
    /// Instructions over all calls, by function and scenario.
    totals: Vec<(&'static str, Vec<Option<u64>>)>,
}

impl Run {
    fn of(build: &Build) -> Result<Self, String> {
        // This program lies in `<target>/release/deps`.
        let target = env::current_exe().ok().and_then(|path| Some(path.ancestors().nth(3)?.to_owned()));
        let target = target.ok_or("this program does not lie in a target folder")?;
        let home = target.join("gungraun").join(build.name);
        if !is_asked("--last") {
            count(build, &target, &home)?;
        }
        let folder = home.join("benches/instructions/counted/layer");
        let totals = |function| (0..SCENARIOS.len()).map(|at| total(&folder, function, at)).collect();
        Ok(Self { name: build.name, totals: ["handler", "in_ours", "in_peer"].map(|name| (name, totals(name))).into() })
    }

    /// Instructions of one call of a function above the bare handler.
    fn above(&self, function: &str, scenario: usize) -> Option<u64> {
        let total = |name| self.totals.iter().find(|(function, _)| *function == name)?.1[scenario];
        Some(total(function)?.saturating_sub(total("handler")?) / CALLS as u64)
    }
}

/// Runs the `instructions` bench, which leaves what it counts in `home`.
fn count(build: &Build, target: &Path, home: &Path) -> Result<(), String> {
    let output = Command::new(env!("CARGO"))
        .args(["bench", "--quiet", "--package", "benches", "--bench", "instructions"])
        .args(["--profile", build.profile, "--features", build.features, "--target-dir"])
        .arg(target)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("GUNGRAUN_HOME", home)
        .output()
        .map_err(|error| format!("cargo bench: {error}"))?;
    let [out, err] = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    if output.status.success() { Ok(()) } else { Err(format!("{}: {}\n{out}{err}", build.name, output.status)) }
}

/// The instructions that callgrind's file has for a function in a scenario.
fn total(folder: &Path, function: &str, scenario: usize) -> Option<u64> {
    let name = format!("{function}.scenarios_{scenario}");
    let file: PathBuf = folder.join(&name).join(format!("callgrind.{name}.out"));
    let text = fs::read_to_string(file).ok()?;
    text.lines().find_map(|line| line.strip_prefix("totals: "))?.split(' ').next()?.parse().ok()
}
