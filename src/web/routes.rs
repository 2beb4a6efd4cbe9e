//! The URL map. [`application`] is the whole of it with what runs around every request.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::guard::{self, Guard};
use actix_web::middleware::{Compress, from_fn};
use actix_web::{Error, HttpRequest, Resource, Route, web};

use crate::app::App;

use super::error::WebError;
use super::health::Readiness;
use super::site::{Endpoint, Site};
use super::visit::Visit;
use super::{
    access_log, assets, certificate, health, home, init, integrated, login, logout, metadata, password,
    password_api, resume, sessions, slo, soap, sso, test_sp,
};

const READ: &str = "GET, HEAD";
const READ_AND_POST: &str = "GET, HEAD, POST";
/// A HEAD would use up a message, or issue an assertion that nobody receives.
const SSO: &str = "GET, POST";

/// What a worker of the server runs.
pub fn application(
    app: &web::Data<App>,
) -> actix_web::App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody + use<>>,
        Error = Error,
        InitError = (),
    > + use<>,
> {
    actix_web::App::new()
        .app_data(app.clone())
        .app_data(web::Data::new(Readiness::default()))
        .configure(|config| routes(config, &app.site, app.integrated.is_some()))
        .default_service(web::to(not_found))
        .wrap(from_fn(access_log::around))
}

fn routes(config: &mut web::ServiceConfig, site: &Site, integrated: bool) {
    let at = |path: &str| format!("{}{path}", site.prefix);

    config.service(sso_endpoint(&at("/saml/sso")));
    config.service(only(&at("/saml/sso/continue"), "GET", web::get().to(resume::resume)));
    config.service(only(&at("/saml/sso/init"), "GET", web::get().to(init::start)));
    config.service(
        resource(&at("/login"), READ_AND_POST)
            .route(read().to(login::show))
            .route(web::post().to(login::sign_in)),
    );
    if integrated {
        config.service(only(&at("/login/integrated"), "GET", web::get().to(integrated::show)));
    }
    config.service(
        resource(&at("/password"), READ_AND_POST)
            .route(read().to(password::show))
            .route(web::post().to(password::change)),
    );
    config.service(only(&at("/password/changed"), READ, read().to(password::changed)));
    config.service(only(&at("/password/soon"), READ, read().to(password::soon)));
    config.service(slo_endpoint(&at("/saml/slo")));
    config.service(only(&at("/saml/soap/slo"), "POST", web::post().to(soap::slo)));
    config.service(only(&at("/saml/soap/artifact"), "POST", web::post().to(soap::artifact)));
    config.service(only(&at("/saml/soap/ecp"), "POST", web::post().to(soap::ecp)));
    config.service(logout_endpoint(&at("/logout")));
    config.service(only(&at("/logout/next"), "GET", web::get().to(logout::next)));
    config.service(
        resource(&at("/sessions"), READ_AND_POST)
            .route(read().to(sessions::show))
            .route(web::post().to(sessions::end)),
    );
    config.service(only(&at("/"), READ, read().to(home::show)));
    if !site.prefix.is_empty() {
        config.service(only(&site.prefix, READ, read().to(home::show)));
    }
    config.service(only(&at("/saml/metadata"), READ, read().to(metadata::show)).wrap(Compress::default()));
    config.service(only(&at("/saml/certificate.pem"), READ, read().to(certificate::pem)));
    config.service(only(&at("/saml/certificate.cer"), READ, read().to(certificate::cer)));
    config.service(only(&at("/healthz"), READ, read().to(health::alive)));
    config.service(only(&at("/readyz"), READ, read().to(health::ready)));
    config.service(only(&at("/assets/{name}"), READ, read().to(assets::serve)).wrap(Compress::default()));
    if site.password_api.is_some() {
        let endpoint = web::resource(at("/api/password"))
            .route(web::post().to(password_api::set))
            .default_service(web::to(password_api::wrong_method));
        config.service(endpoint);
    }
    if site.test_sp {
        config.service(only(&at("/test-sp"), READ, read().to(test_sp::start)));
        config.service(only(&at("/test-sp/acs"), "POST", web::post().to(test_sp::acs)));
    }
    // Old paths are as the old server had them: not below our prefix.
    let old = site.aliases.iter().filter(|(path, _)| path.starts_with('/') && !path.contains(['{', '}']));
    for (path, endpoint) in old {
        config.service(match endpoint {
            Endpoint::Sso => sso_endpoint(path),
            Endpoint::SsoInit => only(path, "GET", web::get().to(init::start)),
            Endpoint::Slo => slo_endpoint(path),
            Endpoint::Logout => logout_endpoint(path),
            Endpoint::Metadata => only(path, READ, read().to(metadata::show)),
            Endpoint::Certificate => only(path, READ, read().to(certificate::pem)),
        });
    }
}

fn logout_endpoint(path: &str) -> Resource {
    resource(path, SSO).route(web::get().to(logout::ask)).route(web::post().to(logout::sign_out))
}

fn slo_endpoint(path: &str) -> Resource {
    resource(path, SSO).route(web::get().to(slo::redirect)).route(web::post().to(slo::post))
}

fn sso_endpoint(path: &str) -> Resource {
    resource(path, SSO).route(web::get().to(sso::redirect)).route(web::post().to(sso::post))
}

/// A path with one route.
fn only(path: &str, allow: &'static str, route: Route) -> Resource {
    resource(path, allow).route(route)
}

/// A path that answers any other method with a page.
fn resource(path: &str, allow: &'static str) -> Resource {
    web::resource(path).default_service(web::to(move |req: HttpRequest, app: web::Data<App>| async move {
        Visit::of(&app, &req).error(&WebError::Method { allow })
    }))
}

fn read() -> Route {
    web::route().guard(read_guard())
}

fn read_guard() -> impl Guard {
    guard::Any(guard::Get()).or(guard::Head())
}

async fn not_found(req: HttpRequest, app: web::Data<App>) -> actix_web::HttpResponse {
    Visit::of(&app, &req).error(&WebError::NotFound)
}
