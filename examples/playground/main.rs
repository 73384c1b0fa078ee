//! A page to try policies on: edit one, send a real request from one origin to another, and see what the browser did
//! and why the server decided so. Two servers, for this machine only: the page on one origin, the API under test on the
//! other.
//!
//! ```text
//! cargo run --example playground [-- --port 3000 --api-port 3001]
//! ```

mod api;
mod console;
mod effective;
mod exchange;
mod manifest;
mod page;
mod reading;
mod report;
mod scenario;
mod snippet;

use std::{io, net::Ipv4Addr, process::ExitCode};

use axum::Router;
use lexopt::prelude::*;
use tokio::net::TcpListener;

const USAGE: &str = "\
usage: playground [OPTION ...]

  --port PORT       where the page is; port 0 picks one [3000]
  --api-port PORT   where the API under test is; port 0 picks one [3001]
  --help            print this";

/// The two servers, which share what was sent from one to the other.
pub(crate) struct Playground {
    pub(crate) page: Router,
    pub(crate) api: Router,
}

impl Playground {
    pub(crate) fn new(page_port: u16, api_port: u16) -> Self {
        let store = exchange::Store::default();
        let api = api::router(store.clone());
        Self { page: page::router(page::Page { store, page_port, api_port }), api }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let (port, api_port) = match ports() {
        Ok(Some(ports)) => ports,
        Ok(None) => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("playground: {error}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match serve(port, api_port).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("playground: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(port: u16, api_port: u16) -> io::Result<()> {
    let (page, api) = (bind(port, "--port").await?, bind(api_port, "--api-port").await?);
    let (port, api_port) = (page.local_addr()?.port(), api.local_addr()?.port());
    let playground = Playground::new(port, api_port);
    println!("the API under test is at http://localhost:{api_port}");
    println!("open http://localhost:{port}");
    tokio::try_join!(axum::serve(page, playground.page), axum::serve(api, playground.api))?;
    Ok(())
}

/// A port on this machine only: the servers answer whatever they are told to.
async fn bind(port: u16, option: &str) -> io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => {
            io::Error::new(error.kind(), format!("port {port} is taken; name another with {option}, or 0 for any"))
        }
        kind => io::Error::new(kind, format!("port {port}: {error}")),
    })
}

/// The two ports; none where help is wanted.
fn ports() -> Result<Option<(u16, u16)>, lexopt::Error> {
    let (mut port, mut api_port) = (3000, 3001);
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("port") => port = parser.value()?.parse()?,
            Long("api-port") => api_port = parser.value()?.parse()?,
            Long("help") | Short('h') => return Ok(None),
            _ => return Err(argument.unexpected()),
        }
    }
    Ok(Some((port, api_port)))
}
