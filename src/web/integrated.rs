//! `GET /login/integrated`: signing in by a Kerberos ticket (integrated Windows authentication), and whether a browser may
//! be asked for one. Whoever has no ticket of use comes to the sign-in page.
//!
//! The sign-in page leads here by itself. Two marks keep that in bounds: `how=form` in an address says that the ticket has
//! been tried, so that nothing goes in circles; a cookie says that the person signed out, so that only a click brings
//! them back in. A proxy shows `/login?how=challenged` inside its challenge, for whoever has no ticket.

use std::net::{IpAddr, Ipv4Addr};

use actix_web::http::StatusCode;
use actix_web::http::header::{AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE};
use actix_web::{HttpRequest, HttpResponse, web};

use crate::app::App;
use crate::authn::{Acceptor, Answer, Claim, IntegratedSignIn, Presented, Prover, Refusal, TicketFault};
use crate::session::SsoSession;
use crate::sso::{Holder, RequestContext, Ticket};

use super::cookie::Cookie;
use super::error::WebError;
use super::login::{self, Filled, Proof};
use super::logout::is_shown;
use super::messages::{self, Notice};
use super::visit::Visit;

/// The cookie's value after a sign-out, and after a click on the button.
pub(crate) const ASK_FIRST: &str = "ask";
pub(crate) const CLICKED: &str = "go";

/// The endpoint.
pub(crate) async fn show(req: HttpRequest, app: web::Data<App>) -> HttpResponse {
    let visit = Visit::of(&app, &req);
    let mut answer = enter(&visit).await.unwrap_or_else(|error| visit.error(&error));
    let is_clicked = visit.jar().read(req.headers(), Cookie::Ticket) == Some(CLICKED);
    if is_clicked && !matches!(answer.status(), StatusCode::SEE_OTHER | StatusCode::UNAUTHORIZED) {
        // The click came to nothing, and counts for nothing more.
        Visit::set_cookie(&mut answer, visit.jar().store(Cookie::Ticket, ASK_FIRST));
    }
    answer
}

/// Whether the browser with this session may be asked for a ticket.
pub(crate) async fn ticket(visit: &Visit<'_>, session: Option<&SsoSession>) -> Result<Ticket, WebError> {
    let offered = visit.app.integrated.as_ref();
    if !offered.is_some_and(|integrated| integrated.is_offered(peer(visit), visit.address())) {
        return Ok(Ticket::Never);
    }
    let mark = visit.jar().read(visit.req.headers(), Cookie::Ticket).map(|mark| mark == CLICKED);
    Ok(Ticket::of(mark, holder(visit, session).await?))
}

async fn holder(visit: &Visit<'_>, session: Option<&SsoSession>) -> Result<Holder, WebError> {
    if let Some(session) = session {
        return Ok(if session.silent { Holder::ByTicket } else { Holder::ByForm });
    }
    let Some(token) = visit.token() else { return Ok(Holder::Nobody) };
    // A session whose time is over is still known; one that is not was ended, perhaps by a service provider's SOAP.
    let held = visit.app.sessions.find_any(token).await?;
    let lapsed = held.is_some_and(|session| !session.is_revoked());
    Ok(if lapsed { Holder::Lapsed } else { Holder::Ended })
}

/// What `sso` wants to know of a request that a ticket may meet.
pub(crate) async fn context<'a>(
    visit: &'a Visit<'_>,
    session: Option<&SsoSession>,
) -> Result<RequestContext<'a>, WebError> {
    let ticket = if visit.has_tried_ticket() { Ticket::Never } else { ticket(visit, session).await? };
    Ok(RequestContext { ticket, ..visit.context() })
}

/// The path of the endpoint for a sealed request.
pub(crate) fn path(pending: Option<&str>) -> String {
    pending.map_or_else(
        || "/login/integrated".to_owned(),
        |pending| format!("/login/integrated?pending={pending}"),
    )
}

async fn enter(visit: &Visit<'_>) -> Result<HttpResponse, WebError> {
    let Some(integrated) = &visit.app.integrated else { return Err(WebError::NotFound) };
    let query = visit.query()?;
    let pending = query.filled("pending");
    let named = match presented(visit, integrated) {
        Ok(named) => named,
        Err(error) => return Ok(visit.error_with_retry(&error, Some(login::form_path(visit, pending)))),
    };
    let session = visit.session().await?;
    if let Some(session) = &session
        && login::is_met(visit, pending, session).await
    {
        return Ok(login::go_on(visit, pending));
    }
    let ticket = ticket(visit, session.as_deref()).await?;
    let Some(filled) = Filled::of(visit, pending, ticket) else {
        return login::unusable(visit, pending.unwrap_or("")).await;
    };
    // A picture or a frame of another page must not sign anybody in.
    if ticket != Ticket::Silent || !filled.by_ticket() || !is_shown(visit) {
        return Ok(login::without_ticket(visit, &filled, None));
    }
    match (integrated.prover(), named) {
        (Prover::Proxy(_), None) => Ok(login::without_ticket(visit, &filled, None)),
        (Prover::Proxy(_), Some(name)) => prove(visit, integrated, name, &filled).await,
        (Prover::Keytab(acceptor), _) => negotiate(visit, (integrated, acceptor), &filled).await,
    }
}

/// RFC 4559: a challenge, with the page for whoever cannot meet it inside; and never a second one.
async fn negotiate(
    visit: &Visit<'_>,
    (integrated, acceptor): (&IntegratedSignIn, &Acceptor),
    filled: &Filled<'_>,
) -> Result<HttpResponse, WebError> {
    let Some(token) = token(visit) else {
        let mut answer = login::without_ticket(visit, filled, None);
        *answer.status_mut() = StatusCode::UNAUTHORIZED;
        answer.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Negotiate"));
        return Ok(answer);
    };
    match acceptor.accept(token).await {
        Ok(proved) => {
            let mut answer = prove(visit, integrated, &proved.name, filled).await?;
            let reply = proved.reply.map(|reply| HeaderValue::try_from(format!("Negotiate {reply}")));
            if let (StatusCode::SEE_OTHER, Some(Ok(reply))) = (answer.status(), reply) {
                answer.headers_mut().insert(WWW_AUTHENTICATE, reply);
            }
            Ok(answer)
        }
        Err(fault) => {
            integrated.refuse_ticket(&fault, visit.address(), visit.id())?;
            let notice = (fault != TicketFault::Ntlm).then(|| messages::refusal(Refusal::Ticket));
            Ok(login::without_ticket(visit, filled, notice))
        }
    }
}

/// A name that was proved becomes a session, or the page with the reason why not.
async fn prove(
    visit: &Visit<'_>,
    integrated: &IntegratedSignIn,
    name: &[u8],
    filled: &Filled<'_>,
) -> Result<HttpResponse, WebError> {
    let claim = Claim { name, address: visit.address(), request_id: visit.id() };
    match integrated.sign_in(claim).await {
        Ok(Answer::SignedIn(subject)) => {
            login::enter(visit, *subject, Proof::Ticket(integrated.context()), filled.pending).await
        }
        Ok(Answer::Refused(refusal)) => {
            // Never 401: some browsers would ask for a password of their own.
            let notice = Notice { status: 403, ..messages::refusal(refusal) };
            Ok(login::without_ticket(visit, filled, Some(notice)))
        }
        Err(error) => {
            Ok(visit.error_with_retry(&error.into(), Some(login::form_path(visit, filled.pending))))
        }
    }
}

/// The name that a proxy has proved; none where nobody did.
fn presented<'a>(visit: &'a Visit<'_>, integrated: &IntegratedSignIn) -> Result<Option<&'a [u8]>, WebError> {
    let Prover::Proxy(trusted) = integrated.prover() else { return Ok(None) };
    let headers = visit.req.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    match trusted.read(peer(visit), &headers.collect::<Vec<_>>()) {
        Ok(Presented::Name(name)) => Ok(Some(name)),
        Ok(Presented::Nothing) => Ok(None),
        Ok(Presented::Distrusted(why)) => {
            let (header, client) = (&trusted.header, peer(visit));
            tracing::warn!(request.id = %visit.id(), peer = %client, "the header {header} is ignored: {why}");
            Ok(None)
        }
        Err(fault) => {
            integrated.refuse_header(visit.address(), visit.id())?;
            Err(WebError::ProxyHeader(fault))
        }
    }
}

/// The token of an `Authorization: Negotiate` header; none where there is another header, or several.
fn token<'a>(visit: &'a Visit<'_>) -> Option<&'a str> {
    let mut sent = visit.req.headers().get_all(AUTHORIZATION);
    let (Some(header), None) = (sent.next(), sent.next()) else { return None };
    let (scheme, token) = header.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("Negotiate").then_some(token)
}

/// Who has connected; only a Unix socket has no address.
fn peer(visit: &Visit<'_>) -> IpAddr {
    visit.req.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip())
}
