//! A whole synchronisation: a directory, a service behind a proxy that keeps a list of requests, and a folder in which
//! the commands are run as an administrator runs them.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::support::folder::Folder;
use crate::support::http::client;
use crate::support::scim::{ScimServer, TOKEN};
use crate::support::scim_proxy::ScimProxy;

/// What a command left behind.
pub(super) struct Run {
    pub(super) code: i32,
    pub(super) out: String,
    pub(super) err: String,
}

pub(super) struct Rig {
    pub(super) folder: Folder,
    pub(super) proxy: ScimProxy,
    pub(super) service: ScimServer,
}

/// A folder with a target `idp`, the SCIM service at this URL, of the directory that `directory` describes; `more`:
/// further keys of its `[[sync]]`.
pub(crate) fn folder(url: &str, directory: &str, more: &str) -> Folder {
    let keys = format!(
        "name = \"idp\"\ndirectory = \"corp\"\nurl = \"{url}\"\nallow_http = true\ntoken_file = \"certs/token\"\n\
         requests_per_second = 10000\n{more}"
    );
    let folder = folder_with(&[directory], &keys);
    folder.write_secret("certs/token", &format!("{TOKEN}\n"));
    folder
}

/// A folder with these directories, and one `[[sync]]` of these keys.
pub(super) fn folder_with(directories: &[&str], keys: &str) -> Folder {
    let mut folder = Folder::new();
    for directory in directories {
        folder.add_directory(directory);
    }
    let target: toml::Table = keys.parse().unwrap_or_else(|error| panic!("{error}:\n{keys}"));
    folder.config.insert("sync".to_owned(), vec![toml::Value::Table(target)].into());
    folder.write_config();
    folder
}

/// A command of `sekisho sync` in a folder.
pub(super) fn command(folder: &Folder, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sekisho"));
    command.arg("sync").args(arguments).current_dir(folder.root()).env_remove("SEKISHO_CONFIG");
    command
}

/// Runs one to its end, with something on its standard input.
pub(super) fn run_in(folder: &Folder, arguments: &[&str], input: &str) -> Run {
    tokio::task::block_in_place(|| {
        let mut child = command(folder, arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Run { code: status.code().unwrap_or(-1), out: text(stdout), err: text(stderr) }
    })
}

impl Rig {
    /// A target `idp` of the directory that `directory` describes; `more`: further keys of its `[[sync]]`.
    pub(super) async fn new(service: ScimServer, directory: &str, more: &str) -> Self {
        let proxy = ScimProxy::start(&service.url).await;
        let folder = folder(&proxy.url, directory, more);
        Self { folder, proxy, service }
    }

    /// Runs a command of `sekisho sync`.
    pub(super) fn sync(&self, arguments: &[&str]) -> Run {
        self.sync_with(arguments, "")
    }

    /// The same with something on its standard input.
    pub(super) fn sync_with(&self, arguments: &[&str], input: &str) -> Run {
        run_in(&self.folder, arguments, input)
    }

    /// The same, which must end well, and the requests that changed something. What a run of changes leaves, a full one
    /// would leave, too.
    pub(super) fn carried(&self, arguments: &[&str]) -> (String, Vec<String>) {
        self.proxy.take_log();
        let run = self.sync(arguments);
        assert_eq!(run.code, 0, "{}\n{}", run.out, run.err);
        let writes = self.writes();
        if arguments == ["run", "idp"] {
            let whole = self.sync(&["check", "idp", "--full"]);
            assert!(!whole.out.contains("would be done"), "{}\n{}", whole.out, whole.err);
        }
        (run.out, writes)
    }

    /// The requests so far that changed something, or tried to.
    pub(super) fn writes(&self) -> Vec<String> {
        let log = self.proxy.take_lines();
        log.into_iter().filter(|line| !line.starts_with("GET ")).collect()
    }

    /// What the service has: objects by their name.
    pub(super) async fn dump(&self, endpoint: &str, name: &str) -> BTreeMap<String, Value> {
        let mut found = BTreeMap::new();
        loop {
            let start = (found.len() + 1).to_string();
            let page = format!("{}/{endpoint}?count=500&startIndex={start}", self.service.url);
            let answer = client().get(&page).bearer_auth(TOKEN).send().await.unwrap();
            let body: Value = answer.json().await.unwrap();
            let objects = body["Resources"].as_array().cloned().unwrap_or_default();
            let total = body["totalResults"].as_u64().unwrap();
            for object in objects {
                let before = found.insert(object[name].as_str().unwrap().to_owned(), object);
                assert!(before.is_none(), "twice: {before:?}");
            }
            if found.len() as u64 >= total {
                return found;
            }
        }
    }

    pub(super) async fn users(&self) -> BTreeMap<String, Value> {
        self.dump("Users", "userName").await
    }

    pub(super) async fn groups(&self) -> BTreeMap<String, Value> {
        self.dump("Groups", "displayName").await
    }
}

/// The names of those who are in a group, by the service's ids.
pub(super) fn members(
    group: &Value,
    users: &BTreeMap<String, Value>,
    groups: &BTreeMap<String, Value>,
) -> Vec<String> {
    let empty = Vec::new();
    let members = group["members"].as_array().unwrap_or(&empty);
    let mut names: Vec<String> = members
        .iter()
        .map(|member| {
            let id = &member["value"];
            let of = |all: &BTreeMap<String, Value>| {
                all.iter().find(|(_, one)| one["id"] == *id).map(|(name, _)| name.clone())
            };
            of(users).or_else(|| of(groups)).unwrap_or_else(|| format!("nobody: {id}"))
        })
        .collect();
    names.sort();
    names
}
