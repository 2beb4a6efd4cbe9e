//! SCIM services that are not ours, each with its own memory: scim2-server (Python) and scimmy (Node), as
//! `tests/setup.sh` installs them. They differ where services do: scim2-server answers in HTTP/1.0 and has ETags, scimmy
//! keeps connections and gives 20 objects to a page whatever is asked for.

use std::path::{Path, PathBuf};
use std::process::Command;

use sekisho::outgoing::{Credentials, ExchangeOptions};
use sekisho::secret::Secret;
use sekisho::sync::{ScimOptions, ScimTarget};
use tempfile::TempDir;

use super::http::client;
use super::process::{Process, free_port};

pub(crate) const TOKEN: &str = "a-token-that-nobody-may-read";

pub(crate) struct ScimServer {
    /// Below which its endpoints are.
    pub(crate) url: String,
    /// Dropped first: it writes into the folder.
    _process: Process,
    _folder: TempDir,
}

impl ScimServer {
    pub(crate) async fn scim2() -> Self {
        let port = free_port();
        let mut command = Command::new(installed("python/bin/scim2-server"));
        command.args(["--port", &port.to_string(), "--bearer-token", TOKEN]);
        Self::start(command, format!("http://127.0.0.1:{port}/v2")).await
    }

    pub(crate) async fn scimmy() -> Self {
        let port = free_port();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/scim/scimmy.cjs");
        let mut command = Command::new("node");
        command.arg(script).args([&port.to_string(), TOKEN]).env("NODE_PATH", installed("node/node_modules"));
        Self::start(command, format!("http://127.0.0.1:{port}/scim")).await
    }

    async fn start(mut command: Command, url: String) -> Self {
        let folder = TempDir::new().unwrap();
        let mut process = Process::start(&mut command, &folder.path().join("log"));
        let page = format!("{url}/Users?count=1");
        let ready = || {
            let question = client().get(&page).bearer_auth(TOKEN).send();
            async { question.await.is_ok_and(|answer| answer.status().is_success()) }
        };
        process.wait_until("list of users", ready).await;
        Self { url, _process: process, _folder: folder }
    }

    pub(crate) fn options(&self) -> ScimOptions {
        options(&self.url)
    }
}

/// Users and groups at this place, with the token of the tests.
pub(crate) fn options(url: &str) -> ScimOptions {
    let options = ScimOptions::new(url, Credentials::Bearer(Secret::new(TOKEN.to_owned())));
    let exchange = ExchangeOptions { plain_http: true, ..options.exchange };
    ScimOptions { exchange, ..options }
}

pub(crate) fn target(options: ScimOptions) -> ScimTarget {
    ScimTarget::new(options).unwrap()
}

fn installed(path: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target").join(path);
    assert!(path.exists(), "{} is missing: run sh tests/setup.sh test", path.display());
    path
}
