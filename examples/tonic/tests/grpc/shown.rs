//! The code that README.md and the documentation of the feature `tonic` show: it is compiled here, where tonic's crates
//! are, and stands there word for word.

use std::{fs, path::Path};

const README: &str = include_str!("shown/readme.txt");

#[allow(dead_code, reason = "it is there to compile")]
mod readme {
    include!("shown/readme.txt");
}

#[test]
fn the_readme_shows_code_that_compiles() {
    assert!(read("README.md").contains(&format!("```rust,ignore\n{README}```\n")), "README.md shows other code");
}

#[test]
fn the_feature_shows_code_that_makes_routes() {
    fn routes() -> Result<tonic::service::Routes, tower_cors::Violations> {
        // From here
        use tonic::service::Routes;
        use tonic_web::GrpcWebLayer;
        use tower::Layer;
        use tower_cors::{CorsLayer, CorsPolicy, policy::Preset};

        let (_reporter, health) = tonic_health::server::health_reporter();
        let policy = CorsPolicy::new().allow_origins(["https://app.example"]).preset(Preset::GrpcWeb);
        let cors = CorsLayer::new(policy)?;
        let routes = Routes::new(cors.layer(GrpcWebLayer::new().layer(health)));
        // to here
        Ok(routes)
    }
    let compiled = include_str!("shown.rs").split("// From here\n").nth(1).expect("the code above");
    let compiled = compiled.split("// to here").next().map(words).expect("the code above");
    let documentation = read("src/tonic.rs").replace("//!", "");
    let shown = documentation.split("```ignore\n").nth(1).and_then(|rest| rest.split("```").next());
    assert_eq!(shown.map(words), Some(compiled));
    assert!(routes().is_ok());
}

/// The code without its spaces: the documentation breaks its lines earlier.
fn words(text: &str) -> String {
    text.split_whitespace().collect()
}

fn read(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}
