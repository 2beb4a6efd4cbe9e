//! An LDAP server that gives many entries by pages (RFC 2696), and goes wrong in the second page.

use futures_util::{SinkExt, StreamExt};
use ldap3_proto::LdapCodec;
use ldap3_proto::control::LdapControl;
use ldap3_proto::proto::{
    LdapBindResponse, LdapMsg, LdapOp, LdapPartialAttribute, LdapResult, LdapResultCode,
    LdapSearchResultEntry, LdapSearchResultReference,
};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::codec::Framed;

/// How many entries a page has; it is less than what is asked for.
pub(crate) const PAGE: usize = 100;

/// What happens in the middle of the second of three pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Break {
    /// Nothing.
    Never,
    /// The connection is closed.
    Close,
    /// Octets that are no LDAP.
    Garbage,
    /// No octets any more.
    Hang,
    /// This result, after some entries.
    Result(LdapResultCode),
    /// The end without the control that says whether there is more.
    Forgetful,
    /// A control that is none.
    BadControl,
    /// An entry without an id.
    NoId,
    /// References instead of entries, from the first page on.
    Elsewhere,
    /// The first page is the last message.
    CloseBetween,
    /// The same empty page again and again.
    Circle,
}

pub(crate) struct FakeSource {
    port: u16,
    task: JoinHandle<()>,
}

impl FakeSource {
    pub(crate) async fn start(fault: Break) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, fault.clone()));
            }
        });
        Self { port, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("ldap://127.0.0.1:{}", self.port)
    }
}

impl Drop for FakeSource {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(stream: TcpStream, fault: Break) {
    let mut framed = Framed::new(stream, LdapCodec::new(Some(1 << 20), None));
    while let Some(Ok(message)) = framed.next().await {
        let id = message.msgid;
        let ops = match message.op {
            LdapOp::BindRequest(_) => {
                let res = result(LdapResultCode::Success);
                vec![LdapMsg::new(id, LdapOp::BindResponse(LdapBindResponse { res, saslcreds: None }))]
            }
            LdapOp::SearchRequest(request) if request.base.is_empty() => {
                vec![LdapMsg::new(id, LdapOp::SearchResultDone(result(LdapResultCode::Success)))]
            }
            LdapOp::SearchRequest(_) => {
                let cookie = message.ctrl.iter().find_map(|control| match control {
                    LdapControl::SimplePagedResults { cookie, .. } => {
                        Some(cookie.first().copied().unwrap_or(0))
                    }
                    _ => None,
                });
                page(id, cookie.unwrap(), &fault)
            }
            _ => return,
        };
        let broken = ops.len() == PAGE / 2;
        for op in ops {
            if framed.send(op).await.is_err() {
                return;
            }
        }
        match fault {
            Break::Close if broken => return,
            Break::Hang if broken => std::future::pending().await,
            Break::Garbage if broken => {
                let mut stream = framed.into_inner();
                let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
                let _ = stream.shutdown().await;
                return;
            }
            _ => {}
        }
    }
}

/// The page that a cookie stands for, of three.
fn page(id: i32, number: u8, fault: &Break) -> Vec<LdapMsg> {
    let start = usize::from(number) * PAGE;
    let entries = |count: usize| (start..start + count).map(move |number| entry(id, number, true));
    let end = |code, cookie: &[u8]| {
        let mut end = LdapMsg::new(id, LdapOp::SearchResultDone(result(code)));
        end.ctrl = vec![LdapControl::SimplePagedResults { size: 0, cookie: cookie.to_vec() }];
        end
    };
    let plain = |code| LdapMsg::new(id, LdapOp::SearchResultDone(result(code)));
    let whole = || {
        let cookie = if number < 2 { vec![number + 1] } else { vec![] };
        entries(PAGE).chain([end(LdapResultCode::Success, &cookie)]).collect()
    };
    match (fault, number) {
        (Break::Elsewhere, _) => {
            let uris = vec!["ldap://elsewhere.fake/dc=fake??sub".to_owned()];
            let reference = LdapOp::SearchResultReference(LdapSearchResultReference { uris });
            vec![LdapMsg::new(id, reference), end(LdapResultCode::Success, &[])]
        }
        (Break::CloseBetween, 1) => vec![LdapMsg::new(id, LdapOp::UnbindRequest)],
        (Break::Circle, _) => vec![end(LdapResultCode::Success, &[7])],
        (Break::Close | Break::Garbage | Break::Hang, 1) => entries(PAGE / 2).collect(),
        (Break::Result(code), 1) => entries(PAGE / 2).chain([plain(code.clone())]).collect(),
        (Break::Forgetful, 1) => entries(PAGE).chain([plain(LdapResultCode::Success)]).collect(),
        (Break::BadControl, 1) => {
            let mut odd = plain(LdapResultCode::Success);
            odd.ctrl = vec![LdapControl::PasswordPolicyRequest { criticality: false }];
            entries(PAGE).chain([odd]).collect()
        }
        (Break::NoId, 1) => {
            entries(3).chain([entry(id, 9999, false), end(LdapResultCode::Success, &[2])]).collect()
        }
        _ => whole(),
    }
}

fn entry(id: i32, number: usize, whole: bool) -> LdapMsg {
    let attribute = |name: &str, value: String| LdapPartialAttribute {
        atype: name.to_owned(),
        vals: vec![value.into_bytes()],
    };
    let mut attributes = vec![attribute("uid", format!("u{number}"))];
    if whole {
        attributes.push(attribute("entryUUID", format!("8a1c4e0e-0000-4000-8000-{number:012}")));
    }
    let dn = format!("uid=u{number},dc=fake");
    LdapMsg::new(id, LdapOp::SearchResultEntry(LdapSearchResultEntry { dn, attributes }))
}

fn result(code: LdapResultCode) -> LdapResult {
    LdapResult { code, matcheddn: String::new(), message: String::new(), referral: Vec::new() }
}
