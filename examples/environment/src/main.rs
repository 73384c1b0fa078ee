//! A policy out of environment variables, read by the crate `config` or by `figment`. Names are the fields of the policy,
//! in upper case; what is not set keeps what the program says. Everything that is wrong is said at once, and the server
//! does not start.
//!
//! ```text
//! APP_CORS__ALLOW_ORIGINS='https://app.example, https://admin.example' \
//!     cargo run --package environment-example -- config
//! APP_CORS__ALLOW_ORIGINS='["https://app.example", "https://admin.example"]' \
//!     cargo run --package environment-example -- figment
//! ```

use std::{env, error::Error, process::ExitCode};

use serde::Deserialize;
use tower_cors::{CompiledPolicy, CorsPolicy, compile::Compiler};

/// The settings of the application.
#[derive(Deserialize)]
struct Settings {
    #[serde(default)]
    cors: CorsPolicy,
}

/// `APP_CORS__ALLOW_ORIGINS` and its like by `config`, with lists that are separated by commas.
fn by_config() -> Result<Settings, config::ConfigError> {
    let variables = config::Environment::with_prefix("APP")
        .prefix_separator("_")
        .separator("__")
        .try_parsing(true)
        .list_separator(",")
        .with_list_parse_key("cors.allow_origins")
        .with_list_parse_key("cors.allow_methods")
        .with_list_parse_key("cors.allow_headers")
        .with_list_parse_key("cors.expose_headers");
    config::Config::builder().add_source(variables).build()?.try_deserialize()
}

/// The same by `figment`, with lists as it writes them, in brackets.
fn by_figment() -> Result<Settings, Box<figment::Error>> {
    let variables = figment::providers::Env::prefixed("APP_").split("__");
    figment::Figment::from(variables).extract().map_err(Box::new)
}

/// The policy of the environment, where it says nothing the program's, compiled.
fn policy(settings: Settings) -> Result<CompiledPolicy, Box<dyn Error>> {
    let cors = settings.cors;
    let policy = CorsPolicy {
        allow_origins: trimmed(cors.allow_origins),
        allow_methods: trimmed(cors.allow_methods),
        allow_headers: trimmed(cors.allow_headers),
        expose_headers: trimmed(cors.expose_headers),
        max_age: cors.max_age.or(Some(600)),
        ..cors
    };
    Ok(Compiler::new().at("cors".into()).compile(policy)?)
}

/// `config` leaves the spaces after commas.
fn trimmed(list: Option<Vec<String>>) -> Option<Vec<String>> {
    list.map(|list| list.iter().map(|element| element.trim().to_owned()).collect())
}

fn main() -> ExitCode {
    let settings = match env::args().nth(1).as_deref() {
        Some("config") => by_config().map_err(Box::from),
        Some("figment") => by_figment().map_err(Box::from),
        _ => Err("say which crate reads the variables: config or figment".into()),
    };
    match settings.and_then(policy) {
        Ok(policy) => {
            println!("{:?}", policy.policy());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
