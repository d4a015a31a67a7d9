//! A guard that takes the same steps as another one, elsewhere.

use super::packet::Portrait;
use crate::nouns::{self, Given};
use crate::texts::Texts;
use ballast_config::diagnostics::Diagnostics;
use ballast_config::load::Site;
use ballast_config::render::{Style, render};
use ballast_config::sources::Sources;
use ballast_guard::{Guard, Replaced};
use ballast_model::catalog::Catalog;
use ballast_model::time::Gap;
use ballast_model::{Mono, Span};
use std::sync::Arc;

/// The nouns of one set, read and checked.
#[derive(Clone, Debug)]
pub struct NounSet {
    /// Its files, without rules.
    pub texts: Texts,
    /// What was read from them.
    pub site: Arc<Site>,
    /// Its nouns.
    pub catalog: Arc<Catalog>,
}

impl NounSet {
    /// Reads and checks the files of a set. `overrides` give keys of buses another value (`wire.port=/dev/ttyUSB1`).
    ///
    /// # Errors
    /// All mistakes, drawn.
    pub fn read(texts: Texts, overrides: &[String]) -> Result<Self, String> {
        Self::read_with(texts, overrides.into(), |_, _| ()).map(|(set, ())| set)
    }

    /// The same of a site that lies somewhere, and makes something of it that may find more mistakes: its buses.
    ///
    /// # Errors
    /// All mistakes, drawn.
    pub fn read_with<T>(
        texts: Texts,
        given: Given<'_>,
        make: impl FnOnce(&Self, &mut Diagnostics) -> T,
    ) -> Result<(Self, T), String> {
        let (mut sources, mut found) = (Sources::new(), Diagnostics::new());
        let loaded = nouns::load(&texts, &mut sources, &mut found);
        let mut unknown = Vec::new();
        let made = loaded.site.map(|mut site| {
            let mut catalog = std::mem::take(&mut site.catalog);
            catalog.shrink_to_fit();
            unknown = nouns::settle(&mut site.buses, given);
            if !given.overrides.is_empty() {
                nouns::follow_buses(&site.buses, &mut catalog);
            }
            let set = Self { texts, site: Arc::new(site), catalog: Arc::new(catalog) };
            let made = make(&set, &mut found);
            (set, made)
        });
        match made {
            Some(made) if !found.has_mistakes() && unknown.is_empty() => Ok(made),
            _ => {
                found.sort();
                Err(render(&found, &sources, Style::Plain) + &unknown.concat())
            }
        }
    }

    /// A guard that begins with this set.
    pub fn guard(&self, now: Mono) -> Guard {
        Guard::new(Arc::clone(&self.catalog), Arc::clone(&self.site.safety), now)
    }

    /// Puts this set into force in a guard, as far as it may be.
    pub fn replace_in(&self, guard: &mut Guard, confirmed: bool, now: Mono) -> Replaced {
        guard.replace(Arc::clone(&self.catalog), Arc::clone(&self.site.safety), confirmed, now)
    }
}

/// A guard as a portrait shows it.
pub struct Reflection {
    /// The guard.
    pub guard: Guard,
    /// The set with which the program is to run.
    pub set: NounSet,
    /// A set that waits for a person as a whole.
    pub waiting: Option<NounSet>,
    /// What became of the last of them; `None` where there is only one.
    pub replaced: Option<Replaced>,
    /// The files of the sets below `set`, the confirmed one first, where a looser one waits for a person.
    pub beneath: Vec<Texts>,
}

impl Reflection {
    /// The same guard.
    ///
    /// # Errors
    /// The portrait was made by a guard that reads its files in another way.
    pub fn of(portrait: Portrait) -> Result<Self, String> {
        let Portrait { sets, waiting, overrides, state } = portrait;
        let read = |texts| NounSet::read(texts, &overrides);
        let at = state.saved_at;
        let mut sets = sets.into_iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let waiting = waiting.map(read).transpose()?;
        let base = sets.first().ok_or("the guard tells no set")?;
        let mut guard = base.guard(at);
        let mut replaced = None;
        for set in sets.iter().skip(1).chain(&waiting) {
            replaced = Some(set.replace_in(&mut guard, false, at));
        }
        guard.restore(state, Gap::SameBoot(Span::ZERO), at, at);
        let set = sets.pop().ok_or("the guard tells no set")?;
        let beneath = sets.into_iter().map(|below| below.texts).collect();
        Ok(Self { guard, set, waiting, replaced, beneath })
    }

    /// Whether ids mean the same to this guard and to who has these nouns.
    pub fn shares(&self, catalog: &Catalog) -> bool {
        let own = &self.set.catalog;
        own.points == catalog.points && own.outputs == catalog.outputs
    }
}
