//! What files from outside may take: memory as a multiple of the file, for files of 1, 8 and 32 MiB that are made to take
//! much, and instructions at two sizes, for these and for manifests composed from the limits of the CRDs. It fails where
//! memory is above its bound, or where instructions or memory grow more steeply than the file.
//!
//! Memory is that of a process of its own, as Linux tells it, so that allocators and stacks count. Instructions are counted
//! by callgrind; without it that part is skipped with a line. Arguments: `memory`, `growth` or `composed` alone, a part of a
//! name, `--seed N`.

mod composed;
mod hostile;

use std::{
    env, fs,
    process::{Command, ExitCode},
    sync::LazyLock,
};

use hostile::{KINDS, Kind, READ};
use tower_cors::manifest::Manifests;

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;
/// The sizes at which memory is measured while files are read, and while they are loaded. A file of more than 32 MiB is
/// not read at all.
const READ_SIZES: [usize; 3] = [MIB, 8 * MIB, 32 * MIB - 64 * KIB];
const LOADED_SIZES: [usize; 2] = [MIB, 8 * MIB];
/// The sizes at which instructions are counted.
const SIZES: [usize; 2] = [64 * KIB, 512 * KIB];
/// How much more steeply than the file a cost may grow.
const MOST_GROWTH: f64 = 1.25;
/// The most memory for composed manifests, all of which are accepted, as a multiple of the file.
const MOST_COMPOSED: f64 = 120.0;
const SEED: u64 = 29;
/// What begins the name of composed manifests: two lists and the seed follow.
const COMPOSED: &str = "composed ";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let [task, what, size] = &arguments[..]
        && task.starts_with("--child-")
    {
        child(task, what, size.parse().unwrap_or_default());
        return ExitCode::SUCCESS;
    }
    let seed = arguments.iter().skip_while(|argument| *argument != "--seed").nth(1);
    let seed = seed.and_then(|seed| seed.parse().ok()).unwrap_or(SEED);
    let parts = ["memory", "growth", "composed"];
    let chosen = arguments.iter().find(|argument| parts.contains(&argument.as_str()));
    let is_name = |argument: &&String| !argument.starts_with("--") && argument.parse::<u64>().is_err();
    let filter = arguments.iter().filter(is_name).find(|argument| !parts.contains(&argument.as_str()));
    let filter = filter.map_or("", String::as_str);
    let mut holds = true;
    for (part, run) in parts.into_iter().zip([memory, growth, composed]) {
        if chosen.is_none_or(|chosen| chosen == part) {
            holds &= run(filter, seed);
        }
    }
    if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What is measured: reads or loads a file, and prints the memory that it took.
fn child(task: &str, what: &str, size: usize) {
    let before = status("VmRSS:");
    let text = match what.strip_prefix(COMPOSED) {
        Some(numbers) => {
            let numbers: Vec<u64> = numbers.split(' ').filter_map(|number| number.parse().ok()).collect();
            let [one, two, seed] = numbers[..] else { return };
            composed::text([one as usize, two as usize], seed, size)
        }
        None => match KINDS.iter().find(|kind| kind.name == what) {
            Some(kind) => (kind.text)(size),
            None => String::new(),
        },
    };
    let read = Manifests::new().read("m.yaml", &text);
    match task {
        "--child-read" => drop(std::hint::black_box(read)),
        _ => drop(std::hint::black_box(read.build())),
    }
    println!("{} {}", status("VmHWM:").saturating_sub(before) * 1024, text.len());
}

/// A number of the process, in KiB.
fn status(name: &str) -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse().unwrap_or_default()
}

/// The memory that a file of so many bytes takes, as a multiple of it; without what an empty one takes.
fn factor(task: &str, what: &str, size: usize) -> Option<f64> {
    static OF_NOTHING: LazyLock<f64> = LazyLock::new(|| taken("--child-load", "", 0).map_or(0.0, |(memory, _)| memory));
    let (memory, length) = taken(task, what, size)?;
    Some((memory - *OF_NOTHING).max(0.0) / length)
}

/// The memory that a file of so many bytes takes, and its length.
fn taken(task: &str, what: &str, size: usize) -> Option<(f64, f64)> {
    let program = env::current_exe().ok()?;
    let output = Command::new("timeout").arg("120").arg(program).args([task, what, &size.to_string()]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (memory, length) = text.trim().split_once(' ')?;
    Some((memory.parse().ok()?, length.parse().ok()?))
}

/// How many instructions a file of so many bytes takes; none where valgrind is not there.
fn instructions(what: &str, size: usize) -> Option<f64> {
    let program = env::current_exe().ok()?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args(["--child-load", what, &size.to_string()])
        .output()
        .ok()?;
    let text = String::from_utf8(output.stderr).ok()?;
    let line = text.lines().find_map(|line| line.split_once("Collected : "))?;
    line.1.trim().parse().ok()
}

fn memory(filter: &str, _: u64) -> bool {
    println!("| memory as a multiple of the file | read: 1 MiB | 8 MiB | 32 MiB | loaded: 1 MiB | 8 MiB | most |");
    println!("|---|---|---|---|---|---|---|");
    let mut holds = true;
    for Kind { name, most, .. } in KINDS.iter().filter(|kind| kind.name.contains(filter)) {
        let read = READ_SIZES.map(|size| factor("--child-read", name, size));
        let loaded = LOADED_SIZES.map(|size| factor("--child-load", name, size));
        let is_held = read.iter().all(|factor| factor.is_some_and(|factor| factor <= most.max(READ)))
            && loaded.iter().all(|factor| factor.is_some_and(|factor| factor <= *most));
        let shown = |factor: &Option<f64>| factor.map_or("died".to_owned(), |factor| format!("{factor:.1}"));
        let [read, loaded] = [read.iter().map(shown).collect::<Vec<_>>(), loaded.iter().map(shown).collect()];
        let verdict = if is_held { "" } else { " exceeded" };
        println!("| {name} | {} | {} | {most}{verdict} |", read.join(" | "), loaded.join(" | "));
        holds &= is_held;
    }
    holds
}

fn growth(filter: &str, _: u64) -> bool {
    let names = KINDS.iter().map(|kind| kind.name).filter(|name| name.contains(filter));
    grows(names.map(|name| (name.to_owned(), name.to_owned())).collect())
}

/// Every list at its maximum, by itself and together with each other.
fn composed(filter: &str, seed: u64) -> bool {
    let pairs = (0..composed::LISTS.len()).flat_map(|one| (one..composed::LISTS.len()).map(move |two| [one, two]));
    let name = |[one, two]: [usize; 2]| {
        let [one, two] = [composed::LISTS[one].0, composed::LISTS[two].0];
        if one == two { one.to_owned() } else { format!("{one} × {two}") }
    };
    let cases = pairs.map(|pair| (name(pair), format!("{COMPOSED}{} {} {seed}", pair[0], pair[1])));
    let cases: Vec<_> = cases.filter(|(name, _)| name.contains(filter)).collect();
    println!("seed {seed}");
    let mut holds = true;
    for (name, what) in &cases {
        let factors = [MIB / 2, 4 * MIB].map(|size| factor("--child-load", what, size));
        let is_held = |factor: &Option<f64>| factor.is_some_and(|factor| factor <= MOST_COMPOSED);
        if !factors.iter().all(is_held) {
            println!("{name}: memory {factors:.1?} times the manifests, more than {MOST_COMPOSED}");
            holds = false;
        }
    }
    grows(cases) && holds
}

/// Prints how instructions grow. Answers whether every cost grows as the file does.
fn grows(cases: Vec<(String, String)>) -> bool {
    let Some(none) = instructions("", 0) else {
        println!("skipped: valgrind is not there");
        return true;
    };
    println!("| file | instructions a byte: 64 KiB | 512 KiB | growth |");
    println!("|---|---|---|---|");
    let mut holds = true;
    for (name, what) in cases {
        let each = SIZES.map(|size| instructions(&what, size).map(|count| (count - none) / size as f64));
        let [Some(small), Some(large)] = each else {
            println!("| {name} | not counted | | |");
            holds = false;
            continue;
        };
        let growth = large / small;
        let verdict = if growth <= MOST_GROWTH { "" } else { " too steep" };
        println!("| {name} | {small:.0} | {large:.0} | {growth:.2}{verdict} |");
        holds &= growth <= MOST_GROWTH;
    }
    holds
}
