//! An LDAP server that does wrong on purpose: what a real slapd cannot be made to do.
//!
//! It knows one entry, [`ENTRY`], accepts the service account [`SERVICE`], and keeps a list of the user binds that
//! reached it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use ldap3_proto::LdapCodec;
use ldap3_proto::proto::{
    LdapBindCred, LdapBindResponse, LdapFilter, LdapMsg, LdapOp, LdapPartialAttribute, LdapResult,
    LdapResultCode, LdapSearchRequest, LdapSearchResultEntry, LdapSearchResultReference, LdapSearchScope,
};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::codec::Framed;

pub(crate) const ENTRY: &str = "uid=tanaka,dc=fake";
pub(crate) const SERVICE: &str = "cn=service,dc=fake";

/// Names with their values, as a directory holds them.
pub(crate) type Attributes = &'static [(&'static str, &'static [&'static [u8]])];

/// What happens to an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Conduct {
    /// A bind succeeds whatever the password is; a search finds [`ENTRY`].
    Well,
    /// No answer at all.
    Hang,
    /// No answer until [`FakeLdap::open`]; then as [`Conduct::Well`].
    Gate,
    /// The connection is closed instead of an answer.
    Close,
    /// Half of the answer, then the connection is closed.
    CloseInTheMiddle,
    /// Octets that are no LDAP.
    Garbage,
    /// A well-formed message with a body that makes no sense.
    Malformed,
    /// A search: two entries. A bind: as [`Conduct::Well`].
    TwoEntries,
    /// A search: one entry and sizeLimitExceeded. A bind: as [`Conduct::Well`].
    SizeLimit,
    /// A search finds nothing. A bind: as [`Conduct::Well`].
    NoEntry,
    /// A search: an entry without a stable identity. A bind: as [`Conduct::Well`].
    NoIdentity,
    /// A search: the root DSE and the disabled entry of an Active Directory, and groups for its matching rule. A bind: as
    /// [`Conduct::Well`].
    ActiveDirectory,
    /// A search: [`ENTRY`] with these attributes. A bind: as [`Conduct::Well`].
    Entry(Attributes),
    /// A search: [`ENTRY`] with a sAMAccountName. A bind: as [`Conduct::Well`].
    Employee,
    /// A domain controller that counted so many wrong passwords for [`ENTRY`], of which five lock; the PDC emulator is
    /// on this host.
    Controller(u32, &'static str),
    /// A search: [`ENTRY`] with an attribute "member" of seven values in parts of three.
    Cut,
    /// The same, but after the first part nothing comes any more.
    CutShort,
    /// A search: [`ENTRY`] between references to other servers. A bind: as [`Conduct::Well`].
    References,
    /// Every answer is that another server should be asked.
    Referral,
    /// A bind is refused with this text; a search finds [`ENTRY`].
    Refuse(&'static str),
    /// A bind succeeds with this password alone; a search finds [`ENTRY`].
    Password(&'static str),
    /// A write is refused as busy, and not answered by closing the connection as otherwise; a search finds [`ENTRY`].
    Busy,
}

type Binds = Arc<Mutex<Vec<String>>>;
type Gate = Arc<watch::Sender<bool>>;
/// [`PROOF`] stands among the binds for a search that only asks whether the server answers.
const PROOF: &str = "(proof)";
/// And this one for a write.
const WRITE: &str = "(write)";

pub(crate) struct FakeLdap {
    port: u16,
    binds: Binds,
    gate: Gate,
    task: JoinHandle<()>,
}

impl FakeLdap {
    /// Listens on a free port; user binds and searches go as told.
    pub(crate) async fn start(bind: Conduct, search: Conduct) -> Self {
        Self::start_with(Conduct::Well, bind, search).await
    }

    /// The same, with a conduct for the binds of the service account too.
    pub(crate) async fn start_with(service: Conduct, bind: Conduct, search: Conduct) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let binds = Arc::new(Mutex::new(Vec::new()));
        let gate = Gate::default();
        let (seen, closed) = (Arc::clone(&binds), Arc::clone(&gate));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, [service, bind, search], Arc::clone(&seen), closed.subscribe()));
            }
        });
        Self { port, binds, gate, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("ldap://127.0.0.1:{}", self.port)
    }

    /// The names of all user binds so far.
    pub(crate) fn binds(&self) -> Vec<String> {
        self.binds
            .lock()
            .unwrap()
            .iter()
            .filter(|name| ![SERVICE, PROOF, WRITE].contains(&name.as_str()))
            .cloned()
            .collect()
    }

    /// Waits for so many user binds in all.
    pub(crate) async fn until_bound(&self, count: usize) {
        let waited = tokio::time::timeout(Duration::from_mins(1), async {
            while self.binds().len() < count {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        waited.await.expect("the binds arrive within a minute");
    }

    /// Lets everything go on that waits at [`Conduct::Gate`].
    pub(crate) fn open(&self) {
        self.gate.send_replace(true);
    }

    /// How often it was asked only whether it answers.
    pub(crate) fn proofs(&self) -> usize {
        self.binds.lock().unwrap().iter().filter(|name| *name == PROOF).count()
    }

    /// How many writes reached it.
    pub(crate) fn writes(&self) -> usize {
        self.binds.lock().unwrap().iter().filter(|name| *name == WRITE).count()
    }

    /// How often the service account has bound so far.
    pub(crate) fn service_binds(&self) -> usize {
        self.binds.lock().unwrap().iter().filter(|name| *name == SERVICE).count()
    }
}

impl Drop for FakeLdap {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    stream: TcpStream,
    [service, bind, search]: [Conduct; 3],
    binds: Binds,
    mut gate: watch::Receiver<bool>,
) {
    let mut framed = Framed::new(stream, LdapCodec::new(Some(1 << 20), None));
    while let Some(Ok(message)) = framed.next().await {
        let (conduct, answers) = match message.op {
            LdapOp::BindRequest(request) => {
                let LdapBindCred::Simple(password) = request.cred else { panic!("a simple bind") };
                let conduct = if request.dn == SERVICE { service } else { bind };
                binds.lock().unwrap().push(request.dn);
                (conduct, vec![bind_answer(conduct, &password)])
            }
            // The root DSE always answers: it is how a server shows that it is alive.
            LdapOp::SearchRequest(request) if request.base.is_empty() => {
                if request.attrs == ["1.1"] {
                    binds.lock().unwrap().push(PROOF.to_owned());
                }
                (Conduct::Well, root_dse(search))
            }
            LdapOp::SearchRequest(request) if asks_for_groups(&request.filter) => (search, groups()),
            LdapOp::SearchRequest(request) => (search, answers(search, &request)),
            LdapOp::AddRequest(_) | LdapOp::ModifyRequest(_) | LdapOp::DelRequest(_) => {
                binds.lock().unwrap().push(WRITE.to_owned());
                if search != Conduct::Busy {
                    return;
                }
                (Conduct::Well, vec![LdapOp::ModifyResponse(result(LdapResultCode::Busy, ""))])
            }
            _ => return,
        };
        match conduct {
            Conduct::Hang => tokio::time::sleep(Duration::from_mins(10)).await,
            Conduct::Gate => drop(gate.wait_for(|open| *open).await),
            Conduct::Close => return,
            Conduct::CloseInTheMiddle => return raw(framed, &[0x30, 0x20, 0x02, 0x01, 0x01, 0x61]).await,
            Conduct::Garbage => return raw(framed, b"HTTP/1.1 400 Bad Request\r\n\r\n").await,
            // LDAPMessage { 1, [APPLICATION 1 or 5] of one empty octet string }
            Conduct::Malformed => {
                return raw(framed, &[0x30, 0x07, 0x02, 0x01, 0x01, 0x61, 0x02, 0x04, 0x00]).await;
            }
            _ => {}
        }
        for op in answers {
            if framed.send(LdapMsg::new(message.msgid, op)).await.is_err() {
                return;
            }
        }
    }
}

async fn raw(framed: Framed<TcpStream, LdapCodec>, octets: &[u8]) {
    let mut stream = framed.into_inner();
    let _ = stream.write_all(octets).await;
    let _ = stream.shutdown().await;
}

fn bind_answer(conduct: Conduct, password: &str) -> LdapOp {
    let (code, message) = match conduct {
        Conduct::Referral => (LdapResultCode::Referral, ""),
        Conduct::Password(right) if right != password => (LdapResultCode::InvalidCredentials, ""),
        Conduct::Refuse(text) => (LdapResultCode::InvalidCredentials, text),
        _ => (LdapResultCode::Success, ""),
    };
    LdapOp::BindResponse(LdapBindResponse { res: result(code, message), saslcreds: None })
}

fn root_dse(search: Conduct) -> Vec<LdapOp> {
    let capability = [("supportedCapabilities", "1.2.840.113556.1.4.800")];
    match search {
        Conduct::ActiveDirectory => vec![entry("", &capability), done(LdapResultCode::Success)],
        _ => vec![done(LdapResultCode::Success)],
    }
}

/// By the matching rule of Active Directory.
fn asks_for_groups(filter: &LdapFilter) -> bool {
    match filter {
        LdapFilter::Or(parts) => parts.iter().any(asks_for_groups),
        filter => matches!(filter, LdapFilter::Extensible(_)),
    }
}

fn groups() -> Vec<LdapOp> {
    vec![entry("cn=inner,dc=fake", &[]), entry("cn=outer,dc=fake", &[]), done(LdapResultCode::Success)]
}

/// What depends on the question.
fn answers(conduct: Conduct, request: &LdapSearchRequest) -> Vec<LdapOp> {
    let found = match (conduct, request.base.as_str()) {
        (Conduct::Controller(_, _), "dc=fake") if request.scope == LdapSearchScope::Base => {
            let interval = "-18000000000";
            entry(
                "dc=fake",
                &[
                    ("lockoutThreshold", "5"),
                    ("lockOutObservationWindow", interval),
                    ("lockoutDuration", interval),
                    ("fSMORoleOwner", "CN=NTDS Settings,CN=PDC,CN=Servers,dc=fake"),
                ],
            )
        }
        (Conduct::Controller(_, host), "CN=PDC,CN=Servers,dc=fake") => {
            entry("CN=PDC,CN=Servers,dc=fake", &[("dNSHostName", host)])
        }
        (Conduct::Controller(wrong, _), _) => account(&[("badPwdCount", &wrong.to_string())]),
        (Conduct::Cut | Conduct::CutShort, _) => {
            let after = request.attrs.iter().find_map(|name| name.strip_prefix("member;range="));
            let start = after.and_then(|range| range.split('-').next()?.parse().ok()).unwrap_or(0);
            part(start, conduct == Conduct::CutShort)
        }
        _ => return search_answers(conduct),
    };
    vec![found, done(LdapResultCode::Success)]
}

/// Three values of seven from `start` on.
fn part(start: usize, stops: bool) -> LdapOp {
    let last = start + 3 >= 7;
    let end = if last { "*".to_owned() } else { (start + 2).to_string() };
    let values = (start..(start + 3).min(7)).map(|number| format!("cn=m{number},dc=fake").into_bytes());
    let member = LdapPartialAttribute {
        atype: format!("member;range={start}-{end}"),
        vals: if stops && start > 0 { Vec::new() } else { values.collect() },
    };
    let LdapOp::SearchResultEntry(mut found) = account(&[]) else { unreachable!() };
    found.attributes.push(member);
    LdapOp::SearchResultEntry(found)
}

/// [`ENTRY`] as Active Directory has it, and more.
fn account(more: &[(&str, &str)]) -> LdapOp {
    let names = [
        ("sAMAccountName", "tanaka"),
        ("objectGUID", "ABCDEFGHIJKLMNOP"),
        ("userAccountControl", "512"),
        ("userPrincipalName", "tanaka@fake"),
    ];
    entry(ENTRY, &[&names[..], more].concat())
}

fn search_answers(conduct: Conduct) -> Vec<LdapOp> {
    let uuid = ("entryUUID", "8a1c4e0e-0000-4000-8000-000000000001");
    let names = [("uid", "tanaka"), ("cn", "田中 太郎")];
    let person = |dn| entry(dn, &[names[0], names[1], uuid]);
    match conduct {
        Conduct::TwoEntries => {
            vec![person(ENTRY), person("uid=other,dc=fake"), done(LdapResultCode::Success)]
        }
        Conduct::SizeLimit => vec![person(ENTRY), done(LdapResultCode::SizeLimitExceeded)],
        Conduct::References => {
            let elsewhere = || {
                LdapOp::SearchResultReference(LdapSearchResultReference {
                    uris: vec!["ldap://elsewhere.fake/dc=elsewhere,dc=fake??sub".to_owned()],
                })
            };
            vec![elsewhere(), person(ENTRY), elsewhere(), done(LdapResultCode::Success)]
        }
        Conduct::Referral => vec![done(LdapResultCode::Referral)],
        Conduct::NoEntry => vec![done(LdapResultCode::Success)],
        Conduct::NoIdentity => vec![entry(ENTRY, &names), done(LdapResultCode::Success)],
        Conduct::ActiveDirectory => {
            let account = [
                ("sAMAccountName", "tanaka"),
                ("objectGUID", "ABCDEFGHIJKLMNOP"),
                ("userAccountControl", "514"),
                ("userPrincipalName", "tanaka@fake"),
            ];
            vec![entry(ENTRY, &account), done(LdapResultCode::Success)]
        }
        Conduct::Entry(attributes) => vec![whole_entry(attributes), done(LdapResultCode::Success)],
        Conduct::Employee => {
            let account = [names[0], names[1], uuid, ("sAMAccountName", "tanaka")];
            vec![entry(ENTRY, &account), done(LdapResultCode::Success)]
        }
        _ => vec![person(ENTRY), done(LdapResultCode::Success)],
    }
}

fn whole_entry(attributes: Attributes) -> LdapOp {
    let attributes = attributes.iter().map(|(name, values)| LdapPartialAttribute {
        atype: (*name).to_owned(),
        vals: values.iter().map(|value| value.to_vec()).collect(),
    });
    LdapOp::SearchResultEntry(LdapSearchResultEntry {
        dn: ENTRY.to_owned(),
        attributes: attributes.collect(),
    })
}

fn entry(dn: &str, attributes: &[(&str, &str)]) -> LdapOp {
    let attributes = attributes.iter().map(|(name, value)| LdapPartialAttribute {
        atype: (*name).to_owned(),
        vals: vec![value.as_bytes().to_vec()],
    });
    LdapOp::SearchResultEntry(LdapSearchResultEntry { dn: dn.to_owned(), attributes: attributes.collect() })
}

fn done(code: LdapResultCode) -> LdapOp {
    LdapOp::SearchResultDone(result(code, ""))
}

fn result(code: LdapResultCode, message: &str) -> LdapResult {
    LdapResult { code, matcheddn: String::new(), message: message.to_owned(), referral: Vec::new() }
}
