//! What the rigs ask their own service providers without a browser.

use reqwest::Client;

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

fn client() -> Client {
    Client::builder().no_proxy().build().unwrap()
}
