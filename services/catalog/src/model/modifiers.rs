//! Groups of modifiers (milk: oat, soy), shared by the products that offer them.

use contracts::{Localized, ModifierGroupId, ModifierId};
use kernel::{Currency, Money, Timestamp};
use service::Fault;

use super::product::{self, OTHER_CURRENCY};
use super::rules;

/// Modifiers of a group.
pub(crate) const MODIFIERS_MAX: usize = 100;
/// How many may be chosen from a group.
pub(crate) const CHOICES_MAX: i64 = 999;

/// A group as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ModifierGroup {
    /// Its id.
    pub(crate) id: ModifierGroupId,
    /// What products and files call it.
    pub(crate) slug: String,
    /// What guests read.
    pub(crate) name: Localized,
    /// How many have to be chosen at least.
    pub(crate) min: i64,
    /// How many may be chosen at most.
    pub(crate) max: i64,
    /// Its place among the groups.
    pub(crate) position: i64,
    /// In their order; archived ones too.
    pub(crate) modifiers: Vec<Modifier>,
    /// Moves with every change.
    pub(crate) version: i64,
    /// When it was made.
    pub(crate) created_at: Timestamp,
    /// When it last changed.
    pub(crate) updated_at: Timestamp,
}

/// One modifier as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Modifier {
    /// Its id.
    pub(crate) id: ModifierId,
    /// Unique in its group.
    pub(crate) slug: String,
    /// What guests read.
    pub(crate) name: Localized,
    /// What one costs.
    pub(crate) price: Money,
    /// No longer offered.
    pub(crate) archived: bool,
}

/// A group as somebody wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GroupDraft {
    /// What products and files call it.
    pub(crate) slug: String,
    /// What guests read.
    pub(crate) name: Localized,
    /// How many have to be chosen at least.
    pub(crate) min: i64,
    /// How many may be chosen at most.
    pub(crate) max: i64,
    /// All of them: what is missing is archived.
    pub(crate) modifiers: Vec<ModifierDraft>,
}

/// A modifier as somebody wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ModifierDraft {
    /// Which of the stored ones it is; otherwise its slug says so.
    pub(crate) id: Option<ModifierId>,
    /// Unique in its group.
    pub(crate) slug: String,
    /// What guests read.
    pub(crate) name: Localized,
    /// What one costs.
    pub(crate) price: Money,
    /// No longer offered.
    pub(crate) archived: bool,
}

impl GroupDraft {
    /// Everything that is wrong with it.
    #[must_use]
    pub(crate) fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        rules::slug("/slug", &self.slug, &mut faults);
        rules::name("/name", &self.name, &mut faults);
        rules::within("/max", self.max, 1..=CHOICES_MAX, &mut faults);
        if self.min < 0 || self.min > self.max {
            faults.push(rules::outside("/min".to_owned(), 0, self.max.max(0)).beside("/max"));
        }
        rules::count("/modifiers", self.modifiers.len(), MODIFIERS_MAX, &mut faults);
        for (index, modifier) in self.modifiers.iter().enumerate() {
            let pointer = format!("/modifiers/{index}");
            rules::slug(&format!("{pointer}/slug"), &modifier.slug, &mut faults);
            rules::name(&format!("{pointer}/name"), &modifier.name, &mut faults);
            product::price(&format!("{pointer}/price"), modifier.price, &mut faults);
        }
        let slugs = self.modifiers.iter().enumerate();
        rules::each_once(slugs.map(|(i, m)| (format!("/modifiers/{i}/slug"), m.slug.as_str())), &mut faults);
        faults
    }

    /// Faults of modifiers that name an id which the group does not have, or the same twice.
    #[must_use]
    pub(crate) fn id_faults(&self, known: &[Modifier]) -> Vec<Fault> {
        let ids = self.modifiers.iter().map(|modifier| modifier.id);
        rules::ids("/modifiers", ids, |id| known.iter().any(|modifier| modifier.id == id))
    }

    /// Faults of prices in another currency than the price list's.
    #[must_use]
    pub(crate) fn currency_faults(&self, currency: Currency) -> Vec<Fault> {
        let foreign = self.modifiers.iter().enumerate().filter(|(_, m)| m.price.currency() != currency);
        foreign
            .map(|(i, _)| Fault::new(format!("/modifiers/{i}/price/currency"), "other-currency", OTHER_CURRENCY))
            .collect()
    }

    /// A new group with this content.
    #[must_use]
    pub(crate) fn made(
        &self,
        id: ModifierGroupId,
        position: i64,
        now: Timestamp,
        new_id: &mut dyn FnMut() -> ModifierId,
    ) -> ModifierGroup {
        let empty = ModifierGroup {
            id,
            slug: String::new(),
            name: self.name.clone(),
            min: 0,
            max: 1,
            position,
            modifiers: Vec::new(),
            version: 1,
            created_at: now,
            updated_at: now,
        };
        self.applied_to(&empty, new_id)
    }

    /// The group with this content. Modifiers are matched by id, else by slug; stored ones that are missing are
    /// archived and keep their place at the end.
    #[must_use]
    pub(crate) fn applied_to(&self, current: &ModifierGroup, new_id: &mut dyn FnMut() -> ModifierId) -> ModifierGroup {
        let mut modifiers: Vec<Modifier> =
            self.modifiers.iter().map(|draft| draft.onto(&current.modifiers, new_id)).collect();
        let left_out = current.modifiers.iter().filter(|known| self.modifiers.iter().all(|draft| !draft.is(known)));
        modifiers.extend(left_out.map(|known| Modifier { archived: true, ..known.clone() }));
        ModifierGroup {
            slug: self.slug.clone(),
            name: self.name.clone(),
            min: self.min,
            max: self.max,
            modifiers,
            ..current.clone()
        }
    }
}

impl ModifierDraft {
    fn is(&self, known: &Modifier) -> bool {
        self.id.map_or(known.slug == self.slug, |id| id == known.id)
    }

    fn onto(&self, known: &[Modifier], new_id: &mut dyn FnMut() -> ModifierId) -> Modifier {
        let id = known.iter().find(|modifier| self.is(modifier)).map_or_else(new_id, |modifier| modifier.id);
        let Self { slug, name, price, archived, .. } = self.clone();
        Modifier { id, slug, name, price, archived }
    }
}
