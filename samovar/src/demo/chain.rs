//! Sets the coffee chain up through the public API, as its owner would: shops, menu, staff, stock, guests.

use anyhow::{Context as _, Result};
use indicatif::ProgressBar;
use kernel::Rng;
use serde_json::{Value, json};

use super::client::Client;
use super::folder::Login;
use super::people;
use super::person::Person;

/// The menu that `import menu` reads as well.
pub(crate) const MENU: &str = include_str!("menu.csv");

/// What is to be sold out on this day: few honey cakes in the first shop.
const SCARCE: (&str, i64) = ("medovik-slice", 7);

/// Pieces of every other counted thing that each shop begins the day with.
const STOCK: i64 = 150;

/// The chain as it stands when its day begins.
#[derive(Debug)]
pub(crate) struct Chain {
    /// Its shops.
    pub(crate) shops: Vec<Branch>,
    /// Its guests; the first fifth come every day.
    pub(crate) guests: Vec<Person>,
    /// Its administrator.
    pub(crate) admin: Person,
}

/// Where the shops are.
pub(crate) const TIME_ZONES: [&str; 3] = ["Europe/Moscow", "Europe/Moscow", "Asia/Yekaterinburg"];

impl Chain {
    /// Who can sign in beside the administrator: all staff, and three of the guests.
    pub(crate) fn logins(&self) -> Vec<Login> {
        let staff = self.shops.iter().flat_map(|branch| [&branch.manager, &branch.barista]);
        staff.chain(self.guests.iter().take(3)).map(|person| person.login().clone()).collect()
    }
}

/// One shop with those who work there.
#[derive(Debug)]
pub(crate) struct Branch {
    /// Its id.
    pub(crate) id: String,
    /// Its name.
    pub(crate) name: String,
    /// Who makes the coffee.
    pub(crate) barista: Person,
    /// Who answers for the shop.
    pub(crate) manager: Person,
}

fn shops() -> [Value; 3] {
    let all_week = |spans: &[(&str, &str)]| -> Vec<Value> {
        (1..=7)
            .flat_map(|day| spans.iter().map(move |(from, to)| json!({"day": day, "from": from, "to": to})))
            .collect()
    };
    [
        json!({"name": "Самовар на Тверской", "address": "Москва, Тверская, 7", "lat": 55.7579, "lon": 37.6112,
            "time_zone": TIME_ZONES[0], "currency": "RUB", "lead_time_min": 10, "hours": all_week(&[("07:30", "22:00")]),
            "closed_days": ["2027-01-01"], "slot_minutes": 10, "slot_capacity": 30}),
        json!({"name": "Самовар на Патриарших", "address": "Москва, Малая Бронная, 24", "lat": 55.7642, "lon": 37.5932,
            "time_zone": TIME_ZONES[1], "currency": "RUB", "lead_time_min": 10, "hours": all_week(&[("08:00", "22:00")]),
            "closed_days": ["2027-01-01"], "slot_minutes": 10, "slot_capacity": 30}),
        json!({"name": "Самовар на Вайнера", "address": "Екатеринбург, Вайнера, 10", "lat": 56.8353, "lon": 60.5957,
            "time_zone": TIME_ZONES[2], "currency": "RUB", "lead_time_min": 15,
            "hours": all_week(&[("08:00", "14:30"), ("15:00", "21:30")]),
            "closed_days": ["2027-01-01", "2027-01-02"], "slot_minutes": 15, "slot_capacity": null}),
    ]
}

/// A password of 96 random bits.
pub(crate) fn password(rng: &dyn Rng) -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnopqrstuvwxyz2345678";
    let mut bytes = [0; 20];
    rng.fill(&mut bytes);
    bytes.iter().map(|b| char::from(LETTERS[usize::from(b % 32)])).collect()
}

/// What is drawn while the chain is set up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dice<'d> {
    /// For what is the same whenever the day has the same seed.
    pub(crate) day: &'d dyn Rng,
    /// For what nobody may guess.
    pub(crate) secrets: &'d dyn Rng,
}

/// Sets everything up.
pub(crate) fn set_up(nobody: &Client, admin: &Login, dice: Dice<'_>, progress: &ProgressBar) -> Result<Chain> {
    let admin = Person::sign_in(nobody, admin)?;
    progress.set_message("shops and menu");
    let mut created = Vec::new();
    for shop in shops() {
        created.push(admin.client()?.post("open a shop", "/shops", &shop)?);
    }
    admin.client()?.post_csv("import the menu", "/catalog/import", MENU.as_bytes())?;
    let mut branches = Vec::new();
    for (number, shop) in created.iter().enumerate() {
        progress.set_message("staff and stock");
        branches.push(branch(nobody, &admin, number, shop, dice)?);
    }
    let mut guests = Vec::new();
    for number in 0..GUESTS {
        progress.set_message("guests");
        progress.inc(1);
        let (name, email) = people::guest(number);
        let login = Login { role: "guest".into(), shop: None, email, password: password(dice.secrets) };
        guests.push(Person::register(nobody, &name, login)?);
    }
    Ok(Chain { shops: branches, guests, admin })
}

/// How many guests the chain has.
pub(crate) const GUESTS: usize = 60;

fn branch(nobody: &Client, admin: &Person, number: usize, shop: &Value, dice: Dice<'_>) -> Result<Branch> {
    let text = |field: &str| -> Result<String> {
        Ok(shop[field].as_str().with_context(|| format!("a shop without {field}: {shop}"))?.to_owned())
    };
    let (id, name) = (text("id")?, text("name")?);
    let hire = |role: &str| -> Result<Person> {
        let email = format!("{role}{}@samovar.example", number + 1);
        let login = Login { role: role.into(), shop: Some(name.clone()), email, password: password(dice.secrets) };
        let person = Person::register(nobody, &format!("{role} {}", number + 1), login)?;
        let grants = json!({"grants": [{"role": role, "shop_id": id}]});
        let user = format!("/users/{}", person.id());
        admin.client()?.put("grant a role", (&user, "/grants"), &grants)?;
        person.sign_in_again(nobody)
    };
    let (barista, manager) = (hire("barista")?, hire("manager")?);
    let branch = Branch { id, name, barista, manager };
    receive_stock(&branch, number, dice.day)?;
    Ok(branch)
}

/// Everything that is counted comes in, in the morning.
fn receive_stock(branch: &Branch, number: usize, rng: &dyn Rng) -> Result<()> {
    let manager = branch.manager.client()?;
    for (variant_id, sku) in counted_variants(&manager, &branch.id)? {
        let quantity = if number == 0 && sku == SCARCE.0 { SCARCE.1 } else { STOCK };
        let body = json!({"shop_id": branch.id, "variant_id": variant_id, "kind": "receipt", "quantity": quantity,
            "reason": "morning delivery"});
        let key = format!("{:016x}", rng.next_u64());
        manager.post_once("receive stock", "/stock/movements", &key, &body)?;
    }
    Ok(())
}

fn counted_variants(manager: &Client, shop_id: &str) -> Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    for product in all_pages(manager, "read the menu", &format!("/menu?shop_id={shop_id}&limit=100"))? {
        // What is counted and not there yet cannot be had; what is made to order can.
        for variant in product["variants"].as_array().into_iter().flatten().filter(|v| v["available"] == json!(false)) {
            let text = |field: &str| variant[field].as_str().unwrap_or_default().to_owned();
            found.push((text("id"), text("sku")));
        }
    }
    Ok(found)
}

/// Every item of a list.
pub(crate) fn all_pages(client: &Client, step: &'static str, path: &str) -> Result<Vec<Value>> {
    let mut items = Vec::new();
    let mut cursor = None::<String>;
    loop {
        let page = match &cursor {
            Some(cursor) => client.get(step, &format!("{path}&cursor={cursor}"))?,
            None => client.get(step, path)?,
        };
        items.extend(page["items"].as_array().cloned().unwrap_or_default());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => return Ok(items),
        }
    }
}
