//! What the state of synchronisation has of its own in an SQLite file. What it promises wherever it is: `tests/it/store`.

use crate::store::tests::Lock;
use crate::store::{Store, Write};

#[tokio::test]
async fn signing_in_and_synchronisation_do_not_wait_for_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("s.db").display());
    let signing_in = Store::open(&url).await.unwrap();
    let store = signing_in.sync_state().await.unwrap();
    let synced = format!("sqlite:{}", folder.path().join("s-sync.db").display());
    let lock = Lock::take(&synced).await;
    let memo = Write::PutMemo { key: "k".into(), body: String::new(), expires_ms: 9 };
    signing_in.commit(vec![memo]).await.unwrap();
    lock.release().await;
    let lock = Lock::take(&url).await;
    assert!(store.lease("a", "one", (0, 1)).await.unwrap());
    lock.release().await;
}
