//! Actions that break one rule each: they prove that the suite sees it.

use csdr_core::{
    Error, Result,
    model::{GroupResource, Object},
    port::ItemAction,
    related::{Interest, Reach, Related, Target, captured_together},
};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// A way to break the contract of [`ItemAction`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Defect {
    /// Has no name.
    Nameless,
    /// Says something else at each call.
    Fickle,
    /// Names the object itself.
    NamesItself,
    /// Speaks of kinds that it did not want to see.
    Talkative,
    /// Says that all lies near, and names what does not.
    Shortsighted,
    /// Lets an object serve that is only seen if it is captured.
    ServesUnseen,
    /// Takes an odd type for an error.
    Strict,
}

impl Defect {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Nameless,
        Self::Fickle,
        Self::NamesItself,
        Self::Talkative,
        Self::Shortsighted,
        Self::ServesUnseen,
        Self::Strict,
    ];

    /// The rule that it breaks.
    pub fn rule(self) -> &'static str {
        match self {
            Self::Nameless => "it_has_a_name",
            Self::Fickle => "the_same_question_has_one_answer",
            Self::NamesItself => "an_object_does_not_name_itself",
            Self::Talkative => "kinds_without_interest_have_no_answer",
            Self::Shortsighted => "near_is_the_own_namespace",
            Self::ServesUnseen => "only_what_is_looked_at_in_full_serves",
            Self::Strict => "odd_types_name_nothing",
        }
    }
}

/// The built-in actions in one, with one defect.
#[derive(Debug)]
pub struct Broken {
    inner: Vec<Arc<dyn ItemAction>>,
    defect: Defect,
    turn: AtomicBool,
}

impl Broken {
    /// With this defect.
    pub fn new(defect: Defect) -> Self {
        Self {
            inner: captured_together(),
            defect,
            turn: AtomicBool::new(false),
        }
    }

    /// The one that looks at a kind: each kind has one.
    fn of(&self, resource: &GroupResource) -> Option<&Arc<dyn ItemAction>> {
        self.inner
            .iter()
            .find(|action| action.interest(resource) != Interest::None)
    }
}

impl ItemAction for Broken {
    fn name(&self) -> &str {
        match self.defect {
            Defect::Nameless => "",
            _ => "broken",
        }
    }

    fn interest(&self, resource: &GroupResource) -> Interest {
        let own = self
            .of(resource)
            .map_or(Interest::None, |action| action.interest(resource));
        match (self.defect, own) {
            (Defect::Shortsighted, Interest::Captured(Reach::Anywhere)) => {
                Interest::Captured(Reach::Namespace)
            }
            (_, own) => own,
        }
    }

    fn related(&self, object: &Object) -> Result<Vec<Related>> {
        let resource = object.id().resource();
        let mut related = match self.of(resource) {
            Some(action) => action.related(object)?,
            None => Vec::new(),
        };
        let looked = matches!(
            self.interest(resource),
            Interest::Captured(_) | Interest::All
        );
        let own = || Target::Object(object.id().clone());
        match self.defect {
            Defect::Fickle if self.turn.fetch_xor(true, Ordering::Relaxed) => related.clear(),
            Defect::NamesItself if looked => related.push(Related::Needs(own())),
            Defect::Talkative if !looked => {
                related.extend(Related::needs("secrets", Some("shop"), "a"));
            }
            Defect::ServesUnseen if matches!(self.interest(resource), Interest::Captured(_)) => {
                let near = object.id().namespace();
                related.extend(Related::serves("configmaps", near, "a"));
            }
            Defect::Strict if resource.resource() == "pods" => {
                let tree = object.tree()?;
                if tree.text_at(&["spec", "priorityClassName"]).is_none() {
                    return Err(Error::corrupt("priorityClassName is no text"));
                }
            }
            _ => {}
        }
        Ok(related)
    }
}
