//! The policies of an API server, behind Envoy: `cargo test --package ext-proc-example --features kubernetes`. Rules 10.1, 10.2.

use tokio::runtime::Runtime;

use crate::{
    envoy::{self, Envoy, PATIENCE},
    program::{ORIGIN, Program, SAMPLE, allowed, preflight},
    server::Server,
    stand_in::StandIn,
};

#[test]
fn what_an_api_server_has_is_what_envoy_answers() {
    let Some(program) = envoy::program() else { return };
    let api = StandIn::start();
    let runtime = Runtime::new().expect("a runtime");
    let kubeconfig = api.kubeconfig();
    runtime.block_on(async {
        let server = Server::start().await;
        let processor = Program::start_with(["--kubernetes"], Some(&kubeconfig));
        let envoy = Envoy::start(&program, processor.address, server.address()).await;
        // Without a route no policy applies, and the server answers.
        let answer = preflight(&envoy).await;
        assert_eq!((answer.status, allowed(&answer)), (200, None), "{answer:?}");

        api.put(SAMPLE);
        wait_for(&envoy, Some("86400")).await;
        assert_eq!(allowed(&preflight(&envoy).await), Some(ORIGIN));
        api.put(&SAMPLE.replace("maxAge: 86400", "maxAge: 60"));
        wait_for(&envoy, Some("60")).await;
        api.clear();
        wait_for(&envoy, None).await;
    });
    std::fs::remove_file(kubeconfig).expect("the kubeconfig");
}

/// Asks until a preflight is answered with this max-age.
async fn wait_for(envoy: &Envoy, max_age: Option<&str>) {
    let answered = async {
        while preflight(envoy).await.value("access-control-max-age") != max_age {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, answered).await.unwrap_or_else(|_| panic!("no max-age of {max_age:?}"));
}
