//! What the rigs ask their own service providers without a browser.

use std::sync::OnceLock;

use reqwest::{Client, redirect};

use crate::support::http::builder;
use crate::support::process::Process;

/// Waits until this address answers with success.
pub async fn wait_for(process: &mut Process, url: &str) {
    let http = client();
    let answers = || async { http.get(url).send().await.is_ok_and(|answer| answer.status().is_success()) };
    process.wait_until(&format!("{url} answers"), answers).await;
}

/// What this address answers.
pub async fn text(url: &str) -> String {
    let answer = client().get(url).send().await.unwrap();
    let status = answer.status();
    let text = answer.text().await.unwrap();
    assert!(status.is_success(), "{url}: {status}\n{text}");
    text
}

/// One for all: making one reads the system's root certificates, which takes a tenth of a second.
pub fn client() -> &'static Client {
    static CLIENT: OnceLock<Client> = OnceLock::new();
    CLIENT.get_or_init(|| {
        // A kept connection would belong to the runtime of another test.
        let builder = builder().redirect(redirect::Policy::none()).pool_max_idle_per_host(0);
        builder.build().unwrap()
    })
}
