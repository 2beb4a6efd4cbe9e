//! The static files, under names that hold a hash of their content so that browsers may keep them for good.

use std::sync::LazyLock;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::{HttpRequest, HttpResponse, web};

use crate::app::App;

use super::error::WebError;
use super::visit::Visit;

/// The style sheet.
pub(crate) static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("sekisho", "css", "text/css; charset=utf-8", include_str!("assets/sekisho.css"))
});
/// The mark.
pub(crate) static ICON: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("mark", "svg", "image/svg+xml", include_str!("assets/mark.svg")));

/// A file that is compiled in.
#[derive(Debug)]
pub(crate) struct Asset {
    path: String,
    media_type: &'static str,
    content: &'static str,
}

impl Asset {
    fn new(stem: &str, extension: &str, media_type: &'static str, content: &'static str) -> Self {
        let hash = fnv1a(content.as_bytes());
        Self { path: format!("/assets/{stem}-{hash:016x}.{extension}"), media_type, content }
    }

    /// Below the base URL.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }
}

/// FNV-1a: names a version, protects nothing.
fn fnv1a(content: &[u8]) -> u64 {
    content.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// `GET /assets/NAME`
pub(crate) async fn serve(req: HttpRequest, app: web::Data<App>) -> HttpResponse {
    let name = req.match_info().get("name").unwrap_or("");
    let asked = [&STYLE, &ICON].into_iter().find(|asset| asset.path.strip_prefix("/assets/") == Some(name));
    match asked {
        Some(asset) => HttpResponse::Ok()
            .insert_header((CONTENT_TYPE, asset.media_type))
            .insert_header((CACHE_CONTROL, "public, max-age=31536000, immutable"))
            .body(asset.content),
        None => Visit::of(&app, &req).error(&WebError::NotFound),
    }
}
