//! A server in the tests: [`TestServer`] is the real binary as a child process, for what concerns a process (signals,
//! kill -9, start-up, logs).

use std::process::Command;

use super::browser::{Browser, Navigation};
use super::folder::Folder;
use super::html::Page;
use super::http::client;
use super::process::{Process, Signal};

/// The `sekisho` binary, serving a [`Folder`].
#[derive(Debug)]
pub struct TestServer {
    pub folder: Folder,
    pub process: Process,
}

impl TestServer {
    /// Starts `sekisho serve` and waits until it answers.
    pub async fn start(folder: Folder) -> Self {
        let process = spawn(&folder);
        let mut server = Self { folder, process };
        server.wait_until_ready().await;
        server
    }

    /// The same, with the signal ignored that ends a process whose file would grow past its limit: it gets an error from
    /// the write instead, as on a full disk.
    pub async fn start_on_small_disk(folder: Folder) -> Self {
        let serve = sekisho(&folder, &["serve"]);
        let mut shell = Command::new("sh");
        shell.args(["-c", "trap '' XFSZ; exec \"$@\"", "sh"]).arg(serve.get_program()).args(serve.get_args());
        let process = Process::start(shell.current_dir(folder.root()), &folder.path("sekisho.log"));
        let mut server = Self { folder, process };
        server.wait_until_ready().await;
        server
    }

    /// Starts the server anew on the same folder, after it ended.
    pub async fn restart(&mut self) {
        self.process = spawn(&self.folder);
        self.wait_until_ready().await;
    }

    async fn wait_until_ready(&mut self) {
        let url = self.url("/healthz");
        let http = client();
        let answers =
            || async { http.get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) };
        self.process.wait_until("/healthz answers", answers).await;
    }

    /// The public address of a path.
    pub fn url(&self, path: &str) -> String {
        self.folder.url(path)
    }

    /// Where AuthnRequests go.
    pub fn sso(&self) -> String {
        self.url("/saml/sso")
    }

    /// Everything that the server wrote so far.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// The audit events so far, one JSON object each.
    pub fn audit(&self) -> Vec<serde_json::Value> {
        let text = self.folder.read("audit.jsonl");
        text.lines().map(|line| serde_json::from_str(line).expect("one JSON object a line")).collect()
    }

    /// SIGTERM, and the exit code.
    pub async fn stop(&mut self) -> Option<i32> {
        self.process.signal(Signal::Term);
        self.process.ended().await.code()
    }

    /// kill -9.
    pub async fn kill(&mut self) {
        self.process.signal(Signal::Kill);
        self.process.ended().await;
    }
}

/// A command of the binary on this folder, to be run to its end.
pub fn sekisho(folder: &Folder, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sekisho"));
    command.args(arguments).arg("--config").arg(folder.write_config()).current_dir(folder.root());
    command
}

fn spawn(folder: &Folder) -> Process {
    Process::start(&mut sekisho(folder, &["serve"]), &folder.path("sekisho.log"))
}

/// Fills in the sign-in page and goes on to where it leads.
pub async fn sign_in(browser: &mut Browser, page: &Page, (login, password): (&str, &str)) -> Page {
    let form = page.form_with("password").fill("login", login).fill("password", password);
    browser.navigate(Navigation::form(page, &form)).await
}
