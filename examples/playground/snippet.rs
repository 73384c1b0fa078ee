//! A scenario as somebody would write it: a function for axum, and a manifest for the Gateway API.

use std::fmt::Write;

use tower_cors::{CorsPolicy, browser::Credentials, explain::Explanation, manifest::Manifests, policy::PolicyField};

use super::{
    effective::LABELS,
    reading::{self, Reading},
    scenario::{Kind, Prefers, ProfileName, Scenario, Strategy},
};

/// A manifest, and why the library would refuse it.
pub(crate) struct Manifest {
    pub(crate) yaml: String,
    pub(crate) refusal: Option<String>,
}

/// The settings as Rust: a function that makes an axum `Router` with them.
pub(crate) fn rust(scenario: &Scenario, readings: &[Reading]) -> String {
    let read = LABELS.into_iter().zip(readings).filter(|(_, read)| read.kind != Kind::Off);
    let counting: Vec<_> = read.collect();
    match counting.as_slice() {
        [] => function(&["CorsLayer"], "    let cors = CorsLayer::disabled();\n"),
        [(_, Reading { kind: Kind::Policy, policy, .. })] => one(scenario.profile, policy.as_ref()),
        several => merged(scenario, several),
    }
}

/// The policy that is in effect as the CORS filter of a route.
pub(crate) fn manifest(effective: &CorsPolicy) -> Manifest {
    let block = reading::print(effective);
    let mut yaml = String::from(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata:\n  name: hello\nspec:\n  parentRefs:\n  \
         - name: public\n  rules:\n  - filters:\n    - type: CORS\n      cors:",
    );
    if block.is_empty() {
        yaml.push_str(" {}\n");
    } else {
        yaml.push('\n');
        block.lines().for_each(|line| _ = writeln!(yaml, "        {line}"));
    }
    yaml.push_str("    backendRefs:\n    - name: hello\n      port: 80\n");
    let refusal = Manifests::new().read("hello.yaml", &yaml).build().err().map(|errors| errors.to_string());
    Manifest { yaml, refusal }
}

/// A policy of a manifest as Rust.
pub(crate) fn rust_of(policy: &CorsPolicy) -> String {
    one(ProfileName::GatewayApi, Some(policy))
}

/// A request and how it is expected to end, as a file for `gateway test` beside the manifest.
pub(crate) fn case(explained: &Explanation, manifest: &str) -> String {
    let request = explained.request();
    // What needs quotes in YAML has those of JSON.
    let quoted = |text: &str| reading::print_scalar(&text.into());
    let page = String::from_utf8_lossy(request.origin().as_bytes());
    let fetch = format!("{} {}", request.method(), explained.uri());
    let mut yaml = format!("manifests: [{manifest}]\ncases:\n- page: {page}\n  fetch: {}\n", quoted(&fetch));
    let sent = request.request_headers();
    let headers: Vec<_> = sent.iter().filter(|(name, _)| *name != "origin").collect();
    if !headers.is_empty() {
        yaml.push_str("  headers:\n");
    }
    for (name, value) in headers {
        _ = writeln!(yaml, "    {name}: {}", quoted(&String::from_utf8_lossy(value.as_bytes())));
    }
    if request.credentials_mode() == Credentials::Include {
        yaml.push_str("  credentials: true\n");
    }
    let ending = explained.ending().to_string();
    let expect = if ending.contains(": ") { format!("{{{ending}}}") } else { ending };
    _ = writeln!(yaml, "  expect: {expect}");
    yaml
}

fn one(profile: ProfileName, policy: Option<&CorsPolicy>) -> String {
    let policy = format!("    let policy = {};\n", policy_expression(policy, 4));
    match profile {
        ProfileName::Strict => {
            function(&["CorsLayer", "CorsPolicy"], &format!("{policy}    let cors = CorsLayer::new(policy)?;\n"))
        }
        ProfileName::GatewayApi => function(
            &["CorsLayer", "CorsPolicy", "Profile", "compile::Compiler"],
            &format!(
                "{policy}    let compiler = {};\n    let cors = CorsLayer::from(compiler.compile(policy)?);\n",
                compiler(profile)
            ),
        ),
    }
}

fn merged(scenario: &Scenario, settings: &[(&str, &Reading)]) -> String {
    let mut names = vec!["CorsLayer", "CorsPolicy"];
    names.extend((scenario.profile == ProfileName::GatewayApi).then_some("Profile"));
    names.push("compile::Compiler");
    let has_ceiling = settings.iter().any(|(_, read)| read.kind == Kind::Ceiling);
    let prefers_parent = scenario.preference == Prefers::Parent;
    names.push(match (has_ceiling, prefers_parent) {
        (false, false) => "merge::{MergeOptions, MergeStrategy, Setting, merge}",
        (false, true) => "merge::{MergeOptions, MergeStrategy, Preference, Setting, merge}",
        (true, false) => "merge::{Ceiling, MergeOptions, MergeStrategy, Setting, merge}",
        (true, true) => "merge::{Ceiling, MergeOptions, MergeStrategy, Preference, Setting, merge}",
    });
    if settings.iter().all(|(_, read)| read.kind == Kind::Disabled) {
        names.retain(|name| *name != "CorsPolicy");
    }

    let mut body = String::new();
    let mut stack = Vec::new();
    for (label, read) in settings {
        let name = label.trim_start_matches("the ");
        match read.kind {
            Kind::Off => {}
            Kind::Disabled => stack.push(format!("Setting::disabled({label:?})")),
            Kind::Policy | Kind::Ceiling => {
                _ = writeln!(body, "    let {name} = {};", policy_expression(read.policy.as_ref(), 4));
                stack.push(match read.kind {
                    Kind::Ceiling => format!("Setting::ceiling({label:?}, Ceiling::new({name})?)"),
                    _ => format!("Setting::policy({label:?}, {name})"),
                });
            }
        }
    }
    let stack: String = stack.iter().map(|setting| format!("        {setting},\n")).collect();
    let strategy = match scenario.strategy {
        Strategy::Replace => "Replace",
        Strategy::Inherit => "Inherit",
        Strategy::Union => "Union",
    };
    let prefer = if prefers_parent { ".preference(Preference::Parent)" } else { "" };
    let compiler = compiler(scenario.profile);
    _ = write!(
        body,
        "    // The most specific first.\n    let stack = [\n{stack}    ];\n    \
         let options = MergeOptions::new(MergeStrategy::{strategy}){prefer};\n    \
         let compiler = {compiler};\n    \
         let policy = merge(&stack, &options).compile(&compiler)?;\n    \
         let cors = CorsLayer::with_resolver(policy);\n",
    );
    function(&names, &body)
}

fn compiler(profile: ProfileName) -> &'static str {
    match profile {
        ProfileName::Strict => "Compiler::new()",
        ProfileName::GatewayApi => "Compiler::new().profile(Profile::GatewayApi).crd_limits()",
    }
}

fn function(names: &[&str], body: &str) -> String {
    let names = match names {
        [one] => (*one).to_owned(),
        few @ [_, _] => format!("{{{}}}", few.join(", ")),
        several => {
            let lines: String = several.iter().map(|name| format!("    {name},\n")).collect();
            format!("{{\n{lines}}}")
        }
    };
    format!(
        "use axum::{{Router, routing::any}};\nuse tower_cors::{names};\n\n\
         fn app() -> Result<Router, Box<dyn std::error::Error>> {{\n{body}    \
         let app = Router::new().route(\"/hello\", any(async || \"hello\"));\n    Ok(app.layer(cors))\n}}\n"
    )
}

/// `CorsPolicy::new()` and a method for each field that is set.
fn policy_expression(policy: Option<&CorsPolicy>, indent: usize) -> String {
    let mut text = String::from("CorsPolicy::new()");
    let Some(policy) = policy else { return text };
    let list = |list: &Option<Vec<String>>| {
        list.as_ref().map(|list| match list.as_slice() {
            // Of an empty list nothing tells the type of the entries.
            [] => "[\"\"; 0]".to_owned(),
            entries => format!("{entries:?}"),
        })
    };
    for field in PolicyField::ALL {
        let (method, argument) = match field {
            PolicyField::AllowOrigins => ("allow_origins", list(&policy.allow_origins)),
            PolicyField::AllowCredentials => {
                ("allow_credentials", policy.allow_credentials.map(|allow| allow.to_string()))
            }
            PolicyField::AllowMethods => ("allow_methods", list(&policy.allow_methods)),
            PolicyField::AllowHeaders => ("allow_headers", list(&policy.allow_headers)),
            PolicyField::ExposeHeaders => ("expose_headers", list(&policy.expose_headers)),
            PolicyField::MaxAge => ("max_age", policy.max_age.map(|age| age.to_string())),
        };
        if let Some(argument) = argument {
            _ = write!(text, "\n{}.{method}({argument})", " ".repeat(indent + 4));
        }
    }
    text
}
