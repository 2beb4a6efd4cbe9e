//! SCIM services that are not ours, each with its own memory: scim2-server (Python) and scimmy (Node), as
//! `tests/setup.sh` installs them. They differ where services do: scim2-server answers in HTTP/1.0 and has ETags, scimmy
//! keeps connections and gives 20 objects to a page whatever is asked for.

use std::path::{Path, PathBuf};
use std::process::Command;

use sekisho::outgoing::{Credentials, ExchangeOptions};
use sekisho::secret::Secret;
use sekisho::sync::{ScimOptions, ScimTarget};
use serde_json::Value;
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
    /// With users and groups.
    pub(crate) async fn scim2() -> Self {
        Self::start_scim2(TempDir::new().unwrap(), &[]).await
    }

    /// With the six types of [`six_types`].
    pub(crate) async fn scim2_with_six_types() -> Self {
        let folder = TempDir::new().unwrap();
        // Its own schemas, which a list of others would take the place of.
        let import = "import scim2_server as s; print(s.__path__[0])";
        let place = Command::new(installed("python/bin/python")).args(["-c", import]).output().unwrap();
        let place = PathBuf::from(String::from_utf8(place.stdout).unwrap().trim());
        let schemas = std::fs::read(place.join("resources/default-schemas.json")).unwrap();
        let mut schemas: Vec<Value> = serde_json::from_slice(&schemas).unwrap();
        let further: Value = serde_json::from_slice(&std::fs::read(six_types()).unwrap()).unwrap();
        schemas.extend(further["schemas"].as_array().unwrap().iter().cloned());
        let write = |name: &str, value: &Value| {
            let file = folder.path().join(name);
            std::fs::write(&file, value.to_string()).unwrap();
            file.display().to_string()
        };
        let (schemas, types) = (write("schemas", &schemas.into()), write("types", &further["resourceTypes"]));
        Self::start_scim2(folder, &["--schema", &schemas, "--resource-type", &types]).await
    }

    async fn start_scim2(folder: TempDir, more: &[&str]) -> Self {
        let port = free_port();
        let mut command = Command::new(installed("python/bin/scim2-server"));
        command.args(["--port", &port.to_string(), "--bearer-token", TOKEN]).args(more);
        Self::start(command, folder, format!("http://127.0.0.1:{port}/v2")).await
    }

    /// With users and groups.
    pub(crate) async fn scimmy() -> Self {
        Self::start_scimmy(None).await
    }

    /// With the six types of [`six_types`].
    pub(crate) async fn scimmy_with_six_types() -> Self {
        Self::start_scimmy(Some(six_types())).await
    }

    async fn start_scimmy(types: Option<PathBuf>) -> Self {
        let port = free_port();
        let script = data("scimmy.cjs");
        let mut command = Command::new("node");
        command.arg(script).args([&port.to_string(), TOKEN]).args(types);
        command.env("NODE_PATH", installed("node/node_modules"));
        Self::start(command, TempDir::new().unwrap(), format!("http://127.0.0.1:{port}/scim")).await
    }

    async fn start(mut command: Command, folder: TempDir, url: String) -> Self {
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

/// The schemas and resource types of the preset `secioss`, beside those of RFC 7643.
fn six_types() -> PathBuf {
    data("secioss.json")
}

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/scim").join(name)
}

fn installed(path: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target").join(path);
    assert!(path.exists(), "{} is missing: run sh tests/setup.sh test", path.display());
    path
}
