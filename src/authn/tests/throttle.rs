//! How many tries pass, and whose.

use super::*;
use crate::authn::throttle::{Against, Whom, clear, held};
use crate::clock::Clock;
use crate::store::Write;

#[tokio::test]
async fn three_wrong_tries_of_strangers_reach_the_directory_until_the_window_has_passed() {
    let fixture = Fixture::new(vec![Fake::corp()]).await;
    for login in ["tanaka", "Tanaka", "TANAKA "] {
        assert_eq!(fixture.try_in(login, "x", AWAY).await, WRONG);
    }
    assert_eq!(fixture.try_in("tanaka", "right", AWAY).await, THROTTLED);
    assert_eq!(fixture.first.binds(), 3);
    let restarted = fixture.restarted().await;
    assert_eq!(restarted.try_in("tanaka", "right", HOME).await, THROTTLED);
    restarted.clock.advance(SignedDuration::from_mins(31));
    assert_eq!(restarted.try_in("tanaka", "right", AWAY).await, None);
}

/// Else the number of tries would tell which names exist, and who signed in here before.
#[tokio::test]
async fn strangers_have_as_many_tries_for_unknown_names_as_for_known_ones() {
    let (unused, used) = (Fixture::new(vec![Fake::corp()]).await, Fixture::new(vec![Fake::corp()]).await);
    assert_eq!(used.try_in("tanaka", "right", HOME).await, None);
    used.store.commit(vec![]).await.unwrap();
    for (fixture, logins) in
        [(&unused, ["tanaka"; 3]), (&used, ["tanaka"; 3]), (&used, ["nobody", "NOBODY", "ｎｏｂｏｄｙ"])]
    {
        for login in logins {
            assert_eq!(fixture.try_in(login, "x", AWAY).await, WRONG, "{login}");
        }
        assert_eq!(fixture.try_in(logins[0], "x", "192.0.2.99").await, THROTTLED, "{logins:?}");
    }
    assert_eq!(used.try_in("somebody", "x", AWAY).await, WRONG);
}

/// Else whoever writes a name in several ways would have more tries where nobody has it.
#[tokio::test]
async fn a_domain_of_ours_gives_no_more_tries() {
    let fixture = Fixture::new(vec![Fake::corp()]).await;
    for name in ["tanaka", "nobody"] {
        for login in [name, &format!("CORP\\{name}"), &name.to_uppercase()] {
            assert_eq!(fixture.try_in(login, "x", AWAY).await, WRONG, "{login}");
        }
        for login in [name, &format!("CORP\\{name}")] {
            assert_eq!(fixture.try_in(login, "x", "192.0.2.99").await, THROTTLED, "{login}");
        }
    }
    assert_eq!(fixture.try_in("OTHER\\nobody", "x", AWAY).await, WRONG, "of nobody's domain");
}

#[tokio::test]
async fn an_exhausted_address_knows_a_person_by_either_spelling() {
    let fixture = Fixture::new(vec![Fake::corp()]).await;
    assert_eq!(fixture.try_in("CORP\\tanaka", "right", HOME).await, None);
    fixture.store.commit(vec![]).await.unwrap();
    for n in 0..10 {
        assert_eq!(fixture.try_in(&format!("nobody{n}"), "x", HOME).await, WRONG);
    }
    let fixture = fixture.restarted().await;
    assert_eq!(fixture.try_in("nobody", "x", HOME).await, THROTTLED);
    for login in ["CORP\\tanaka", "Tanaka"] {
        assert_eq!(fixture.try_in(login, "right", HOME).await, None, "{login}");
    }
}

#[tokio::test]
async fn a_success_clears_the_account_but_not_the_address() {
    let fixture = Fixture::new(vec![Fake::corp()]).await;
    for wrong in [2, 3, 3] {
        for _ in 0..wrong {
            assert_eq!(fixture.try_in("tanaka", "x", AWAY).await, WRONG);
        }
        assert_eq!(fixture.try_in("tanaka", "right", AWAY).await, None);
        fixture.store.commit(vec![]).await.unwrap();
    }
    assert_eq!(fixture.try_in("anybody", "x", AWAY).await, WRONG);
    assert_eq!(fixture.try_in("nobody", "x", AWAY).await, WRONG);
    assert_eq!(fixture.try_in("somebody", "x", AWAY).await, THROTTLED, "ten tries from this address");
    assert_eq!(fixture.try_in("somebody", "x", HOME).await, WRONG);
}

#[tokio::test]
async fn sixty_four_tries_at_once_pass_as_three() {
    let fixture = Fixture::new(vec![Fake { bind_takes: Duration::from_millis(5), ..Fake::corp() }]).await;
    let tries: Vec<_> = (0..64)
        .map(|n| {
            let (sign_in, address) = (fixture.sign_in.clone(), IpAddr::from([192, 0, 2, n]));
            tokio::spawn(async move {
                let password = Secret::new("x".to_owned());
                sign_in
                    .sign_in(Attempt { login: "tanaka", password, address, request_id: "R" })
                    .await
                    .unwrap()
            })
        })
        .collect();
    let mut wrong = 0;
    for done in tries {
        wrong += u32::from(matches!(done.await.unwrap(), Answer::Refused(Refusal::WrongCredentials)));
    }
    assert_eq!((fixture.first.binds(), wrong), (3, 3));
}

#[tokio::test]
async fn sixteen_devices_of_one_person_sign_in_at_once() {
    let fixture = Fixture::new(vec![Fake { bind_takes: Duration::from_millis(5), ..Fake::corp() }]).await;
    let mut tries = tokio::task::JoinSet::new();
    for device in 0..16 {
        let (sign_in, address) = (fixture.sign_in.clone(), IpAddr::from([192, 0, 2, device]));
        tries.spawn(async move {
            let password = Secret::new("right".to_owned());
            sign_in.sign_in(Attempt { login: "tanaka", password, address, request_id: "R" }).await
        });
    }
    for answer in tries.join_all().await {
        assert!(matches!(answer.unwrap(), Answer::SignedIn(_)));
    }
}

#[tokio::test]
async fn strangers_cannot_lock_out_an_address_that_signed_the_person_in() {
    let fixture = Fixture::new(vec![Fake::corp()]).await;
    assert_eq!(fixture.try_in("tanaka", "right", HOME).await, None);
    fixture.store.commit(vec![]).await.unwrap();
    for n in 1..=20 {
        fixture.try_in("tanaka", "x", &format!("192.0.2.{n}")).await;
    }
    assert_eq!(fixture.first.binds(), 1 + 3, "one of the four is kept");
    assert_eq!(fixture.try_in("tanaka", "right", AWAY).await, THROTTLED);
    assert_eq!(fixture.try_in("tanaka", "right", HOME).await, None);
    // Wrong ones from there are among the four.
    for _ in 0..9 {
        fixture.try_in("tanaka", "x", HOME).await;
    }
    assert_eq!(fixture.first.binds(), 1 + 3 + 1 + 4);
}

#[tokio::test]
async fn an_exhausted_address_still_signs_in_whom_it_knows_with_one_try_each() {
    let fixture = Fixture::new(vec![Fake::corp()]).await;
    assert_eq!(fixture.try_in("tanaka", "right", HOME).await, None);
    fixture.store.commit(vec![]).await.unwrap();
    for n in 0..10 {
        assert_eq!(fixture.try_in(&format!("nobody{n}"), "x", HOME).await, WRONG);
    }
    assert_eq!(fixture.try_in("nobody", "x", HOME).await, THROTTLED);
    assert_eq!(fixture.try_in("tanaka", "right", HOME).await, None);
    assert_eq!(fixture.try_in("tanaka", "x", HOME).await, WRONG);
    assert_eq!(fixture.try_in("tanaka", "right", HOME).await, THROTTLED);
}

#[tokio::test]
async fn an_exhausted_address_makes_nobody_search() {
    let fixture = Fixture::new(vec![Fake::corp()]).await;
    for n in 0..10 {
        assert_eq!(fixture.try_in(&format!("nobody{n}"), "x", AWAY).await, WRONG);
    }
    assert_eq!(fixture.try_in("nobody", "x", AWAY).await, THROTTLED);
    let searched = fixture.first.finds();
    for n in 0..10 {
        assert_eq!(fixture.try_in(&format!("somebody{n}"), "x", AWAY).await, THROTTLED);
        assert_eq!(fixture.try_in("tanaka", "right", AWAY).await, THROTTLED);
    }
    assert_eq!(fixture.first.finds(), searched);
    assert_eq!(fixture.reasons().last().unwrap(), "throttled");
    assert_eq!(fixture.try_in("tanaka", "right", HOME).await, None, "nobody else is concerned");
    fixture.clock.advance(SignedDuration::from_mins(31));
    assert_eq!(fixture.try_in("tanaka", "right", AWAY).await, None);
}

#[tokio::test]
async fn an_exhausted_address_searches_for_whom_it_knows_until_the_one_try_is_used() {
    let fixture = Fixture::new(vec![Fake::corp()]).await;
    assert_eq!(fixture.try_in("Tanaka", "right", HOME).await, None);
    fixture.store.commit(vec![]).await.unwrap();
    for n in 0..10 {
        assert_eq!(fixture.try_in(&format!("nobody{n}"), "x", HOME).await, WRONG);
    }
    let fixture = fixture.restarted().await;
    assert_eq!(fixture.try_in("nobody", "x", HOME).await, THROTTLED);
    let searched = fixture.first.finds();
    assert_eq!(fixture.try_in("nobody", "x", HOME).await, THROTTLED);
    assert_eq!(fixture.first.finds(), searched);
    for _ in 0..2 {
        assert_eq!(fixture.try_in("TANAKA", "right", HOME).await, None);
    }
    assert_eq!(fixture.try_in("tanaka", "x", HOME).await, WRONG);
    assert_eq!(fixture.try_in("tanaka", "right", HOME).await, THROTTLED);
    let searched = fixture.first.finds();
    for _ in 0..10 {
        assert_eq!(fixture.try_in("tanaka", "right", HOME).await, THROTTLED);
    }
    assert_eq!(fixture.first.finds(), searched);
}

#[tokio::test]
async fn a_name_that_was_refused_is_searched_for_only_from_where_it_may_be_tried() {
    let fixture = Fixture::new(vec![Fake::corp()]).await;
    assert_eq!(fixture.try_in("tanaka", "right", HOME).await, None);
    fixture.store.commit(vec![]).await.unwrap();
    for name in ["tanaka", "nobody"] {
        for _ in 0..3 {
            assert_eq!(fixture.try_in(name, "x", AWAY).await, WRONG);
        }
        assert_eq!(fixture.try_in(name, "x", "192.0.2.99").await, THROTTLED);
        let searched = fixture.first.finds();
        for n in 10..20 {
            assert_eq!(fixture.try_in(name, "right", &format!("192.0.2.{n}")).await, THROTTLED);
        }
        assert_eq!(fixture.first.finds(), searched, "{name}");
    }
    assert_eq!(fixture.try_in("tanaka", "right", HOME).await, None);
    // The success has cleared the account.
    assert_eq!(fixture.try_in("tanaka", "right", AWAY).await, None);
}

/// Else Active Directory's sub-codes could be asked for without limit.
#[tokio::test]
async fn states_of_accounts_count_against_the_address_alone() {
    let fixture = Fixture::new(vec![Fake::corp()]).await;
    let told = [
        ("verdict:expired", Refusal::PasswordExpired { changeable: false }),
        ("verdict:locked", Refusal::Locked { until: None }),
    ];
    for (password, refusal) in told.iter().cycle().take(10) {
        assert_eq!(fixture.try_in("tanaka", password, AWAY).await, Some(*refusal));
    }
    assert_eq!(fixture.try_in("tanaka", "verdict:locked", AWAY).await, THROTTLED);
    assert_eq!(fixture.try_in("nobody", "x", AWAY).await, THROTTLED);
    let fixture = fixture.restarted().await;
    assert_eq!(fixture.try_in("nobody", "x", AWAY).await, THROTTLED);
    for _ in 0..3 {
        assert_eq!(fixture.try_in("tanaka", "x", HOME).await, WRONG, "the account has all its tries");
    }
    assert_eq!(fixture.try_in("tanaka", "x", HOME).await, THROTTLED);
}

/// One try each, for states too.
#[tokio::test]
async fn an_exhausted_address_hears_one_state_of_whom_it_knows() {
    let fixture = Fixture::new(vec![Fake::corp()]).await;
    assert_eq!(fixture.try_in("tanaka", "right", HOME).await, None);
    fixture.store.commit(vec![]).await.unwrap();
    for n in 0..10 {
        assert_eq!(fixture.try_in(&format!("nobody{n}"), "x", HOME).await, WRONG);
    }
    assert_eq!(fixture.try_in("tanaka", "verdict:locked", HOME).await, Some(Refusal::Locked { until: None }));
    assert_eq!(fixture.try_in("tanaka", "verdict:locked", HOME).await, THROTTLED);
}

#[tokio::test]
async fn tries_that_cannot_be_written_count_in_memory() {
    let fixture = Fixture::new(vec![Fake::corp()]).await;
    let lock = Lock::take(&url(&fixture.dir)).await;
    let tries = (0..6).map(|_| fixture.attempt("tanaka", "x", AWAY));
    for answer in futures_util::future::join_all(tries).await {
        assert!(matches!(answer, Err(AuthnError::Store(_)) | Ok(Answer::Refused(Refusal::Throttled))));
    }
    assert_eq!(fixture.first.binds(), 3);
    assert_eq!(fixture.try_in("tanaka", "right", AWAY).await, THROTTLED);
    lock.release().await;
}

/// The directory may have counted them.
#[tokio::test]
async fn binds_without_an_answer_count_and_failures_before_a_bind_do_not() {
    let fixture = Fixture::new(vec![Fake::corp()]).await;
    fixture.first.down.store(true, Ordering::SeqCst);
    for _ in 0..20 {
        let error = fixture.attempt("tanaka", "x", AWAY).await.unwrap_err();
        assert!(matches!(error, AuthnError::Directory(DirectoryError::Unreachable { .. })));
    }
    fixture.first.down.store(false, Ordering::SeqCst);
    fixture.first.mute.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        let error = fixture.attempt("tanaka", "right", AWAY).await.unwrap_err();
        assert!(matches!(error, AuthnError::Directory(DirectoryError::Unanswered { .. })));
        assert_eq!(fixture.reasons().last().unwrap(), "directory_unavailable");
    }
    assert_eq!(fixture.try_in("tanaka", "right", AWAY).await, THROTTLED);
    assert_eq!(fixture.first.binds(), 3);
    // All ten of the address are left.
    let restarted = fixture.restarted().await;
    assert_eq!(restarted.try_in("tanaka", "right", HOME).await, THROTTLED);
    for n in 0..10 {
        assert_eq!(restarted.try_in(&format!("nobody{n}"), "x", AWAY).await, WRONG);
    }
    assert_eq!(restarted.try_in("nobody", "x", AWAY).await, THROTTLED);
}

/// The store cannot be written to: the directory's fault is still what is told, and the try counts in memory.
#[tokio::test]
async fn a_bind_without_an_answer_that_cannot_be_written_counts_in_memory() {
    let fixture = Fixture::new(vec![Fake { mute: AtomicBool::new(true), ..Fake::corp() }]).await;
    let lock = Lock::take(&url(&fixture.dir)).await;
    let tries = (0..6).map(|_| fixture.attempt("tanaka", "x", AWAY));
    for answer in futures_util::future::join_all(tries).await {
        assert!(matches!(answer, Err(AuthnError::Directory(_)) | Ok(Answer::Refused(Refusal::Throttled))));
    }
    assert_eq!(fixture.first.binds(), 3);
    lock.release().await;
}

#[tokio::test]
async fn a_caller_who_goes_away_is_counted_all_the_same() {
    let fixture = Fixture::new(vec![Fake { bind_takes: Duration::from_millis(20), ..Fake::corp() }]).await;
    for n in 1..=3 {
        tokio::select! {
            biased;
            _ = fixture.attempt("tanaka", "x", AWAY) => panic!("a bind takes longer than nothing"),
            () = std::future::ready(()) => {}
        }
        while fixture.audit.records().len() < n {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(fixture.try_in("tanaka", "right", AWAY).await, THROTTLED);
    assert_eq!(fixture.first.binds(), 3);
}

/// The directory locks at five, and Windows has tried: what was counted there counts here.
#[tokio::test]
async fn a_try_that_could_lock_the_account_is_not_made() {
    let fixture = Fixture::new(vec![Fake::corp()]).await;
    assert_eq!(fixture.try_in("tanaka", "right", HOME).await, None);
    fixture.store.commit(vec![]).await.unwrap();
    fixture.first.locks_at.store(5, Ordering::SeqCst);
    fixture.first.wrong.store(3, Ordering::SeqCst);
    // The last place is for addresses that are known; to others it looks like a wrong password.
    assert_eq!(fixture.try_in("tanaka", "right", AWAY).await, WRONG);
    assert_eq!(fixture.first.binds(), 1);
    assert_eq!(fixture.try_in("tanaka", "x", HOME).await, WRONG);
    assert_eq!((fixture.first.binds(), fixture.first.wrong.load(Ordering::SeqCst)), (2, 4));
    assert_eq!(fixture.try_in("tanaka", "right", HOME).await, THROTTLED);
    let told = ["signed_in", "near_lockout", "wrong_password", "near_lockout"];
    assert_eq!((fixture.reasons(), fixture.first.binds()), (told.map(str::to_owned).to_vec(), 2));
    // The observation window has passed there.
    fixture.first.wrong.store(0, Ordering::SeqCst);
    assert_eq!(fixture.try_in("tanaka", "right", HOME).await, None);
}

/// Each of them was found when the directory had counted three of five.
#[tokio::test]
async fn tries_at_once_count_before_the_directory_shows_them() {
    let fixture = Fixture::new(vec![Fake { bind_takes: Duration::from_millis(5), ..Fake::corp() }]).await;
    assert_eq!(fixture.try_in("tanaka", "right", HOME).await, None);
    fixture.store.commit(vec![]).await.unwrap();
    fixture.first.locks_at.store(5, Ordering::SeqCst);
    fixture.first.wrong.store(3, Ordering::SeqCst);
    let tries = (0..16).map(|_| fixture.try_in("tanaka", "x", HOME));
    futures_util::future::join_all(tries).await;
    assert_eq!((fixture.first.binds(), fixture.first.wrong.load(Ordering::SeqCst)), (2, 4));
}

#[tokio::test]
async fn an_account_that_is_locked_says_so() {
    let fixture = Fixture::new(vec![Fake::corp()]).await;
    fixture.first.locks_at.store(1, Ordering::SeqCst);
    assert_eq!(fixture.try_in("tanaka", "verdict:locked", AWAY).await, Some(Refusal::Locked { until: None }));
    assert_eq!(fixture.try_in("tanaka", "x", AWAY).await, WRONG, "one is let through where one locks");
    assert_eq!((fixture.try_in("tanaka", "x", AWAY).await, fixture.first.binds()), (WRONG, 2));
}

#[tokio::test]
async fn an_administrator_sees_who_is_stopped_and_lets_them_go() {
    let fixture = Fixture::new(vec![Fake::corp()]).await;
    for login in ["tanaka", "tanaka", "tanaka", "Nobody"] {
        assert_eq!(fixture.try_in(login, "x", AWAY).await, WRONG);
    }
    let (store, options) = (&fixture.store, throttle());
    let all = held(store, &options, fixture.clock.now()).await.unwrap();
    let shown: Vec<_> = all
        .iter()
        .map(|one| (one.against.kind(), one.against.as_str(), one.tries, one.accounts, one.stopped))
        .collect();
    let expected = [
        ("account", "corp/guid-1", 3, 0, true),
        ("name", "nobody", 1, 0, false),
        ("address", AWAY, 4, 2, false),
    ];
    assert_eq!(shown, expected);
    assert_eq!(fixture.try_in("tanaka", "right", AWAY).await, THROTTLED);
    let tanaka = Login::parse("TANAKA").unwrap();
    let accounts = ["corp/guid-1".to_owned()];
    let cleared = clear(store, Whom::Person(&tanaka, &accounts)).await.unwrap();
    assert_eq!(cleared, [(Against::Account("corp/guid-1".to_owned()), 3)]);
    // As another process would have done it: what this one remembers is not asked.
    let fixture = fixture.restarted().await;
    assert_eq!(fixture.try_in("tanaka", "right", AWAY).await, None);
    let address = Whom::Address(AWAY.parse().unwrap());
    assert_eq!(clear(&fixture.store, address).await.unwrap().len(), 1);
    assert_eq!(clear(&fixture.store, Whom::All).await.unwrap().len(), 1);
    assert!(held(&fixture.store, &options, fixture.clock.now()).await.unwrap().is_empty());
}

/// Ten accounts are tried at once, the next one waits until it is its turn; who is known here does not.
#[tokio::test]
async fn an_address_that_tries_many_accounts_is_slowed() {
    let fixture = Fixture::new(vec![Fake::corp()]).await;
    assert_eq!(fixture.try_in("tanaka", "right", AWAY).await, None);
    fixture.store.commit(vec![]).await.unwrap();
    let options = ThrottleOptions { address_tries: 100, address_accounts: 3, ..throttle() };
    let fixture = fixture.with(options);
    for login in ["a", "b", "c"] {
        assert_eq!(fixture.try_in(login, "x", AWAY).await, WRONG);
    }
    let begun = std::time::Instant::now();
    assert_eq!(fixture.try_in("d", "x", AWAY).await, WRONG, "the first turn is at once");
    assert_eq!(fixture.try_in("e", "x", AWAY).await, WRONG);
    assert!(begun.elapsed() >= Duration::from_secs(2));
    let waits = fixture.try_in("f", "x", AWAY);
    let known = fixture.try_in("tanaka", "right", AWAY);
    tokio::pin!(waits);
    tokio::select! {
        biased;
        _ = &mut waits => panic!("a stranger was not slowed"),
        answer = known => assert_eq!(answer, None),
    }
}

/// Windows may have counted wrong passwords since the entry was found.
#[tokio::test]
async fn whoever_waited_for_a_turn_is_judged_by_counters_of_after_the_wait() {
    let fixture = Fixture::new(vec![Fake::corp()]).await;
    let fixture = fixture.with(ThrottleOptions { address_accounts: 1, ..throttle() });
    fixture.first.locks_at.store(5, Ordering::SeqCst);
    for login in ["a", "b"] {
        assert_eq!(fixture.try_in(login, "x", AWAY).await, WRONG);
    }
    let found = fixture.first.finds();
    let waits = fixture.try_in("tanaka", "x", AWAY);
    let tries = async {
        while fixture.first.finds() == found {
            tokio::task::yield_now().await;
        }
        fixture.first.wrong.store(4, Ordering::SeqCst);
    };
    assert_eq!(tokio::join!(waits, tries).0, WRONG);
    assert_eq!((fixture.reasons().last().unwrap().as_str(), fixture.first.binds()), ("near_lockout", 0));
}

/// Whoever sprays from inside an office tries those whom its address knows.
#[tokio::test]
async fn an_address_that_tries_very_many_accounts_is_slowed_for_those_whom_it_knows_too() {
    let fixture = Fixture::new(vec![Fake::corp()]).await;
    assert_eq!(fixture.try_in("tanaka", "right", AWAY).await, None);
    let tried = |n| vec![format!("address:{AWAY}"), format!("tried:{AWAY}|corp/guid-{n}")];
    let at_ms = fixture.clock.now().as_millisecond();
    let count = |accounts: std::ops::Range<u32>| {
        accounts.map(|n| Write::WrongTry { keys: tried(n), at_ms }).collect::<Vec<_>>()
    };
    let options = ThrottleOptions { address_tries: 100, address_accounts: 3, ..throttle() };
    let fixture = fixture.with(options);
    fixture.store.commit(count(10..18)).await.unwrap();
    for _ in 0..2 {
        assert_eq!(fixture.try_in("tanaka", "right", AWAY).await, None, "no turn was taken");
    }
    fixture.store.commit(count(18..19)).await.unwrap();
    let begun = std::time::Instant::now();
    for address in [AWAY, AWAY, HOME] {
        assert_eq!(fixture.try_in("tanaka", "right", address).await, None);
    }
    assert!(begun.elapsed() >= Duration::from_secs(2), "the first turn is at once, the second is not");
}
