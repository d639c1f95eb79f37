//! The rules of [`ResourceCollector`](csdr_core::port::ResourceCollector).

use super::{Verdict, read, run_all};
use crate::cluster::ClusterFixture;

macro_rules! rules {
    (; $($rule:ident)*) => {
        $(
            #[doc = concat!("The rule `", stringify!($rule), "`; the [suites' page](super) says what it demands.")]
            ///
            /// # Errors
            /// How the adapter breaks it.
            pub async fn $rule(fixture: &dyn ClusterFixture) -> Verdict {
                read::$rule(fixture, read::collector).await
            }
        )*
        run_all!(; $($rule)*);
    };
}
crate::__read_rules!(rules,);
