//! One suite against two API servers: the practice cluster and the real one, so that the first cannot drift.

mod apply;
mod checks;
mod custom;
mod discovery;
mod far;
mod faults;
mod life;
mod objects;
mod patch;
mod tables;
mod unchanged;
mod watch;

/// Makes two tests of each function: against the practice cluster, and against the kit's API server.
macro_rules! both {
    ($($name:ident),* $(,)?) => {
        mod practice {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    crate::apiserver::far::Far::practice().await.run(stringify!($name), super::$name).await;
                }
            )*
        }
        mod real {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                #[ignore = "needs the kit: tests/kit/up.sh api"]
                async fn $name() {
                    crate::apiserver::far::Far::real().await.run(stringify!($name), super::$name).await;
                }
            )*
        }
    };
}
use both;
