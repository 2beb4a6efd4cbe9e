//! The store: what an SQLite file and a PostgreSQL server promise alike, and what only several nodes on a server have.

mod away;
mod kept;
mod nodes;
mod promises;
mod schema;

use sekisho::store::Store;

use crate::support::postgres::Database;

/// Where a store can be.
enum Place {
    File(tempfile::TempDir),
    Server(Database),
}

impl Place {
    /// One of each kind, empty.
    async fn each() -> [Self; 2] {
        [Self::File(tempfile::tempdir().unwrap()), Self::Server(Database::new().await)]
    }

    fn url(&self) -> String {
        match self {
            Self::File(folder) => format!("sqlite:{}", folder.path().join("s.db").display()),
            Self::Server(database) => database.url(),
        }
    }

    /// Opens it: another node, or the same one after a restart.
    async fn open(&self) -> Store {
        let url = self.url();
        println!("{url}");
        Store::open(&url).await.unwrap()
    }
}
