//! The files with cases, for the engines that run them, and the policy of a row as the library has it.

use tower_cors::{
    CompiledPolicy, CorsPolicy,
    compile::{Compiler, Profile},
};

use crate::row::{Case, PolicyRow};

pub(crate) const TABLES: [(&str, &str); 6] = [
    ("policy.toml", include_str!("policy.toml")),
    ("origins.toml", include_str!("origins.toml")),
    ("preflight.toml", include_str!("preflight.toml")),
    ("actual.toml", include_str!("actual.toml")),
    ("guards.toml", include_str!("guards.toml")),
    ("vary.toml", include_str!("vary.toml")),
];

pub(crate) fn compile(case: &Case, policy: &PolicyRow) -> CompiledPolicy {
    // What a policy answers does not depend on the profile, and this one accepts every row.
    let compiler = Compiler::new().profile(Profile::GatewayApi);
    compiler.compile(cors_policy(policy)).unwrap_or_else(|violations| panic!("{}: {violations}", case.name))
}

pub(crate) fn cors_policy(row: &PolicyRow) -> CorsPolicy {
    CorsPolicy {
        allow_origins: row.allow_origins.clone(),
        allow_credentials: row.allow_credentials,
        allow_methods: row.allow_methods.clone(),
        allow_headers: row.allow_headers.clone(),
        expose_headers: row.expose_headers.clone(),
        max_age: row.max_age,
    }
}
