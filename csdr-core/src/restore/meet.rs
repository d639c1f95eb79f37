//! Bringing one object into the target, whatever is there already.

use super::{
    Action,
    apply::{Made, Writer},
    before::Before,
    policy::{Decision, Policies, without_controllers},
    ready::Ready,
    report::ObjectOutcome,
    row::state_of,
};
use crate::{
    Error, ErrorKind, Result,
    model::{GroupResource, Object, Tree},
    port::{ApplyOptions, DeleteOptions},
    spec::ApplySettings,
};
use futures::FutureExt;

/// How often an object that changes under the hands of the run is looked at again.
const LOOKS: u32 = 5;

/// Brings objects into the target.
#[derive(Debug)]
pub(super) struct Meeting<'a> {
    pub(super) writer: &'a Writer<'a>,
    pub(super) policies: &'a Policies,
    pub(super) before: &'a Before<'a>,
    pub(super) apply: &'a ApplySettings,
    pub(super) ready: Ready<'a>,
}

/// One object on its way.
#[derive(Debug)]
pub(super) struct Guest<'a> {
    /// What the plan says.
    pub(super) action: Action,
    /// What the target's object was then; 0 where there was none.
    pub(super) state: u16,
    /// The stored kind.
    pub(super) from: &'a GroupResource,
    /// As stored, where it is.
    pub(super) stored: Option<&'a Object>,
    /// As it should be.
    pub(super) wanted: &'a Object,
    /// As it is created, where that is not yet as it should be.
    pub(super) first: Option<&'a Object>,
}

/// What became of it.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) outcome: ObjectOutcome,
    pub(super) message: Option<String>,
}

impl Ended {
    pub(super) fn failed(error: &Error) -> Self {
        Self {
            outcome: ObjectOutcome::Failed,
            message: Some(error.chain()),
        }
    }
}

/// Whose error it is: the target's concerns one object, the vault's all that follow.
enum Trouble {
    Target(Error),
    Vault(Error),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Target(error)
    }
}

/// What the run has found and done so far with one object.
#[derive(Debug, Default)]
struct Story {
    /// What is not as it was planned.
    drift: Option<&'static str>,
    /// Something was written, perhaps.
    wrote: bool,
    /// It was deleted by this run.
    deleted: bool,
}

impl Story {
    fn end(&self, outcome: ObjectOutcome, message: Option<String>) -> Ended {
        let message = match (self.drift, message) {
            (Some(drift), Some(message)) => Some(format!("{drift}; {message}")),
            (drift, message) => drift.map(str::to_owned).or(message),
        };
        Ended { outcome, message }
    }

    /// An end that needs no remark.
    fn quiet(outcome: ObjectOutcome) -> Ended {
        Ended {
            outcome,
            message: None,
        }
    }

    fn made(&self) -> Ended {
        match self.deleted {
            true => self.end(ObjectOutcome::Recreated, None),
            false => self.end(ObjectOutcome::Created, None),
        }
    }
}

impl Meeting<'_> {
    /// Creates the object, or does with the one that is there what the policy says.
    ///
    /// # Errors
    /// The vault's, where what was there before could not be kept. An error of the target is the outcome.
    pub(super) async fn bring(&self, guest: &Guest<'_>) -> Result<Ended> {
        let mut story = Story::default();
        match self.brought(guest, &mut story).await {
            Ok(ended) => Ok(ended),
            Err(Trouble::Vault(error)) => Err(error),
            Err(Trouble::Target(error)) => {
                let lost = match story.deleted {
                    true => "the target's was deleted, and the backup's could not be created: ",
                    false => "",
                };
                let message = format!("{lost}{}", error.chain());
                Ok(story.end(ObjectOutcome::Failed, Some(message)))
            }
        }
    }

    async fn brought(&self, guest: &Guest<'_>, story: &mut Story) -> Result<Ended, Trouble> {
        let planned_new = guest.action == Action::Create;
        let mut live = None;
        if !planned_new {
            live = self.get(guest.wanted).await?;
            if live.is_none() {
                story.drift = Some("it was there when this was planned, and is gone");
            }
        }
        for _ in 0..LOOKS {
            let there = match live.take() {
                Some(there) => there,
                None => match self
                    .writer
                    .create(guest.first.unwrap_or(guest.wanted))
                    .await?
                {
                    Made::New | Made::Before => return Ok(story.made()),
                    Made::There(there) => *there,
                },
            };
            if there.meta().deleting {
                self.ready.gone(&there).await?;
                continue;
            }
            if !story.wrote {
                story.drift = drift(guest, &there)?;
            }
            let decision = self.policies.decide(guest.from, guest.wanted, &there)?;
            let ended = match decision {
                Decision::Equal if story.wrote => Some(Story::quiet(ObjectOutcome::Updated)),
                Decision::Equal => Some(Story::quiet(ObjectOutcome::Unchanged)),
                Decision::Leave(why) => Some(story.end(ObjectOutcome::Existed, Some(why))),
                Decision::Refuse(found) => {
                    let message = format!("exists and {found}");
                    Some(story.end(ObjectOutcome::Failed, Some(message)))
                }
                Decision::Recreate(_) => {
                    self.delete(&there, story).await?;
                    None
                }
                Decision::Update(found) => self.patch(found.patch, &there, story).await?,
                Decision::Merge(patch) => self.patch(patch, &there, story).await?,
                Decision::Apply(_) => self.applied(guest, &there, story).await?,
            };
            if let Some(ended) = ended {
                return Ok(ended);
            }
            if !story.deleted {
                live = self.get(guest.wanted).await?;
            }
        }
        let message = "it changes again and again while it is restored";
        Err(Error::new(ErrorKind::Conflict, message)
            .with_context("object", guest.wanted.id())
            .into())
    }

    async fn get(&self, wanted: &Object) -> Result<Option<Object>> {
        let version = wanted.meta().kind.api_version.version();
        self.writer.target.get(wanted.id(), version).await
    }

    async fn keep(&self, there: &Object, story: &mut Story) -> Result<(), Trouble> {
        self.before.keep(there).await.map_err(Trouble::Vault)?;
        story.wrote = true;
        Ok(())
    }

    /// `None` if the object has changed since it was read: it has to be looked at again.
    async fn patch(
        &self,
        mut patch: Tree,
        there: &Object,
        story: &mut Story,
    ) -> Result<Option<Ended>, Trouble> {
        self.keep(there, story).await?;
        let version = &there.meta().resource_version;
        if !version.is_empty() {
            patch.set(&["metadata", "resourceVersion"], version.as_str().into());
        }
        let (id, api) = (there.id(), there.meta().kind.api_version.version());
        let (body, options) = (patch.to_json(), &self.writer.options);
        let applier = self.writer.applier;
        let write = || applier.merge_patch(id, api, body.clone(), options).boxed();
        match self.writer.repeated(write).await {
            Ok(after) => Ok(Some(self.changed(there, &after, story))),
            Err(error) if matches!(error.kind(), ErrorKind::Conflict | ErrorKind::NotFound) => {
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn applied(
        &self,
        guest: &Guest<'_>,
        there: &Object,
        story: &mut Story,
    ) -> Result<Option<Ended>, Trouble> {
        self.keep(there, story).await?;
        let mut tree = guest.wanted.tree()?;
        if let Some(stored) = guest.stored {
            without_controllers(&mut tree, stored);
        }
        let object = Object::from_tree(guest.wanted.id().resource().clone(), &tree)?;
        let mut options = ApplyOptions {
            write: self.writer.options.clone(),
            force: self.apply.force,
        };
        options
            .write
            .field_manager
            .clone_from(&self.apply.field_manager);
        let applier = self.writer.applier;
        let write = || applier.apply(&object, &options).boxed();
        let after = self.writer.repeated(write).await?;
        Ok(Some(self.changed(there, &after, story)))
    }

    fn changed(&self, there: &Object, after: &Object, story: &Story) -> Ended {
        let (was, is) = (
            &there.meta().resource_version,
            &after.meta().resource_version,
        );
        match !is.is_empty() && was == is {
            true => Story::quiet(ObjectOutcome::Unchanged),
            false => story.end(ObjectOutcome::Updated, None),
        }
    }

    /// Deletes exactly this object and waits until it is gone.
    async fn delete(&self, there: &Object, story: &mut Story) -> Result<(), Trouble> {
        self.keep(there, story).await?;
        let options = DeleteOptions {
            uid: Some(there.meta().uid.clone()).filter(|uid| !uid.is_empty()),
            ..DeleteOptions::default()
        };
        let (id, api) = (there.id(), there.meta().kind.api_version.version());
        let applier = self.writer.applier;
        let write = || applier.delete(id, api, &options).boxed();
        match self.writer.repeated(write).await {
            Ok(()) => {
                story.deleted = true;
                self.ready.gone(there).await?;
                Ok(())
            }
            // It is gone, or another one is in its place: whoever did that, it is looked at again.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Conflict) => {
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// How the target's object is not as it was planned for.
fn drift(guest: &Guest<'_>, there: &Object) -> Result<Option<&'static str>> {
    Ok(match guest.state {
        0 if guest.action == Action::Create => Some("it was not there when this was planned"),
        0 => None,
        state if state_of(there)? != state => Some("it has changed since this was planned"),
        _ => None,
    })
}
