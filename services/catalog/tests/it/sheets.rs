//! The menu as a file: in and out.

use std::sync::{Arc, mpsc};
use std::thread;

use catalog::{ImportMode, ImportSummary, export_menu, import_menu};
use kernel::{Clock as _, Coded as _, OsRng, Rng, SystemClock};
use serde_json::{Value, json};
use store::{Statement, StoreError, params};
use testkit::{Admin, Answer, ServiceHarness, TestDatabase};

use crate::cafe::{Cafe, a_shop, line, mount, pointers, rub};

testkit::both_databases!(
    a_file_makes_the_menu_and_again_changes_nothing,
    an_export_imports_back_to_the_same_state,
    a_try_changes_nothing,
    every_bad_row_is_named_and_nothing_is_changed,
    a_cell_that_cannot_be_read_hides_nothing_that_the_menu_has_against_the_file,
    empty_rows_are_counted,
    quotation_marks_may_stand_inside_a_cell,
    a_quotation_that_does_not_end_is_named_by_its_row,
    two_first_files_at_once_are_both_written,
    what_a_file_leaves_out_of_a_product_is_archived_and_the_rest_stays,
    cells_that_begin_like_formulas_come_back_as_they_were,
    what_is_not_a_menu_is_refused,
    a_file_knows_what_the_menu_has_already,
    a_large_file_is_written_at_once,
    the_character_nul_is_named_in_every_cell,
);

const FILE: &str = "\
kind,parent,sku,name_ru,name_en,price,currency,tracked,modifier_groups,min,max,description_ru,description_en,kcal,protein_g,fat_g,carbohydrate_g,archived
category,,coffee,Кофе,Coffee,,,,,,,,,,,,,
group,,milk,Молоко,Milk,,,,,0,1,,,,,,,
modifier,milk,oat,Овсяное,Oat,60,RUB,,,,,,,,,,,
modifier,milk,soy,Соевое,Soy,50.50,,,,,,,,,,,,yes
product,coffee,latte,Латте,Latte,,,no,milk,,,\"С молоком,
и пенкой\",\"With \"\"foam\"\"\",180,7.1,6,21,
variant,latte,latte-s,S,S,220.00,RUB,,,,,,,,,,,
variant,latte,latte-m,M,M,250,RUB,,,,,,,,,,,
product,cakes,medovik,Медовик,Honey cake,,,yes,,,,,,,,,,
variant,medovik,medovik-slice,Кусок,Slice,300.05,RUB,,,,,,,,,,,
product,cakes,old,Старое,Old,,,no,,,,,,,,,,yes
variant,old,old-1,1,1,1,RUB,,,,,,,,,,,yes
";

fn empty(database: &TestDatabase) -> ServiceHarness {
    ServiceHarness::mount(database, mount())
}

fn send(harness: &ServiceHarness, query: &str, csv: &str) -> Answer {
    let request = harness.post(&format!("/catalog/import{query}")).by(&Admin);
    request.bytes("text/csv; charset=utf-8", csv.as_bytes().to_vec()).send()
}

fn export(harness: &ServiceHarness) -> String {
    let answer = harness.get("/catalog/export").by(&Admin).send().expect(200);
    assert_eq!(answer.header("content-type"), Some("text/csv; charset=utf-8"));
    String::from_utf8(answer.body).unwrap()
}

fn counts(answer: &Value) -> (i64, i64, i64) {
    let count = |name: &str| answer[name].as_i64().unwrap();
    (count("created"), count("changed"), count("unchanged"))
}

fn imported(harness: &ServiceHarness, csv: &str) -> ImportSummary {
    let rng: Arc<dyn Rng> = Arc::new(OsRng);
    import_menu(harness.db(), &rng, csv.as_bytes(), ImportMode::Apply).unwrap()
}

fn a_file_makes_the_menu_and_again_changes_nothing(database: &TestDatabase) {
    let harness = empty(database);

    let first = send(&harness, "", FILE).expect(200).json();
    let second = send(&harness, "", FILE).expect(200).json();

    assert_eq!(counts(&first), (3, 0, 0));
    assert_eq!(counts(&first["modifier_groups"]), (1, 0, 0));
    assert_eq!(counts(&first["categories"]), (1, 0, 0));
    assert_eq!(counts(&second), (0, 0, 3));
    assert_eq!(counts(&second["categories"]), (0, 0, 1));
    let shop = harness.post("/shops").by(&Admin).json(&a_shop()).send().expect(201).json();
    let menu = harness.get(&format!("/menu?shop_id={}", shop["id"].as_str().unwrap())).send().expect(200).json();
    assert_eq!(menu["items"].as_array().unwrap().len(), 2);
    let latte = &menu["items"][0];
    assert_eq!(latte["description"], "С молоком,\nи пенкой");
    assert_eq!(latte["category"]["name"], "Кофе");
    assert_eq!(latte["nutrition"], json!({"kcal": 180.0, "protein_g": 7.1, "fat_g": 6.0, "carbohydrate_g": 21.0}));
    assert_eq!(latte["variants"][0]["price"]["amount"], 22_000);
    assert_eq!(latte["modifier_groups"][0]["modifiers"].as_array().unwrap().len(), 1);
}

fn an_export_imports_back_to_the_same_state(database: &TestDatabase) {
    let harness = empty(database);
    let _ = send(&harness, "", FILE).expect(200);
    let exported = export(&harness);

    let same = imported(&harness, &exported);
    assert_eq!((same.products.created, same.products.changed, same.products.unchanged), (0, 0, 3));
    assert_eq!((same.modifier_groups.unchanged, same.categories.unchanged), (1, 2));

    let other = if database.is_postgres() { TestDatabase::postgres() } else { TestDatabase::sqlite() };
    let copy = empty(&other);
    let _ = send(&copy, "", &exported).expect(200);
    assert_eq!(export(&copy), exported);
    assert_eq!(String::from_utf8(export_menu(copy.db()).unwrap()).unwrap(), exported);
}

fn the_character_nul_is_named_in_every_cell(database: &TestDatabase) {
    let harness = empty(database);
    let heading = FILE.lines().next().unwrap();
    for row in ["product,coffee,latte,L,L,,,,,,,,,,,,,", "variant,tea,tea-s,S,S,1,RUB,,,,,,,,,,,"] {
        for (place, column) in heading.split(',').enumerate() {
            let cells: Vec<&str> = row.split(',').enumerate().map(|(n, c)| if n == place { "\0" } else { c }).collect();

            let refused = send(&harness, "", &format!("{heading}\n{}\n", cells.join(","))).expect(422);

            assert!(pointers(&refused.json()).contains(&format!("/rows/2/{column}")), "{column}: {}", refused.json());
        }
    }
    assert_eq!(export(&harness).lines().count(), 1, "only the heading");
}

fn a_try_changes_nothing(database: &TestDatabase) {
    let harness = empty(database);

    let tried = send(&harness, "?dry_run=true", FILE).expect(200).json();

    assert_eq!(counts(&tried), (3, 0, 0));
    assert_eq!(tried["dry_run"], true);
    assert_eq!(export(&harness).lines().count(), 1, "only the heading");
}

fn every_bad_row_is_named_and_nothing_is_changed(database: &TestDatabase) {
    let harness = empty(database);
    let _ = send(&harness, "", FILE).expect(200);
    let before = export(&harness);
    let bad = "\
kind,parent,sku,name_ru,name_en,price,currency,tracked,modifier_groups
product,coffee,tea,Чай,Tea,,,maybe,
variant,tea,tea-s,S,S,12.345,RUB,,
variant,tea,tea-m,,M,free,RUB,,
variant,nothing,tea-l,L,L,1,RUB,,
variant,tea,tea-s,S,S,1,EUR,,
thing,tea,x,X,X,,,,
product,coffee,bare,Пусто,Bare,,,,unknown
product,COFFEE,latte,Латте,Latte,5,,,
variant,latte,medovik-slice,S,S,1,RUB,,
variant,tea,short
product,coffee,latte,Латте,Latte,,,,
";

    let refused = send(&harness, "", bad).expect(422);

    let named = pointers(&refused.json());
    for pointer in [
        "/rows/2/tracked",
        "/rows/3/price",
        "/rows/4/price",
        "/rows/4/name_ru",
        "/rows/5/parent",
        "/rows/6/sku",
        "/rows/7/kind",
        "/rows/8/sku",
        "/rows/9/parent",
        "/rows/9/price",
        "/rows/11",
        "/rows/12/sku",
    ] {
        assert!(named.iter().any(|known| known == pointer), "{pointer} is not among {named:?}");
    }
    let russian = harness.post("/catalog/import").by(&Admin).header("accept-language", "ru");
    let russian = russian.bytes("text/csv", bad.as_bytes().to_vec()).send().expect(422).json();
    assert!(russian["errors"][0]["message"].as_str().unwrap().contains("должно"), "{russian}");
    assert_eq!(export(&harness), before);
}

fn a_cell_that_cannot_be_read_hides_nothing_that_the_menu_has_against_the_file(database: &TestDatabase) {
    let harness = empty(database);
    let _ = send(&harness, "", FILE).expect(200);
    let bad = "\
kind,parent,sku,name_ru,name_en,price,currency,modifier_groups
product,coffee,tea,Чай,Tea,,,unknown
variant,tea,medovik-slice,S,S,1,EUR,
variant,tea,tea-m,M,M,free,,
variant,tea,tea-l,L,L,free,EUR,
group,,milk,Молоко,Milk,,,
modifier,milk,oat,Овсяное,Oat,1,EUR,
";

    let refused = send(&harness, "", bad).expect(422).json();

    let expected = [
        "/rows/2/modifier_groups",
        "/rows/3/currency",
        "/rows/3/sku",
        "/rows/4/price",
        "/rows/5/currency",
        "/rows/5/price",
        "/rows/6/max",
        "/rows/6/min",
        "/rows/7/currency",
    ];
    assert_eq!(pointers(&refused), expected, "{refused}");
}

fn empty_rows_are_counted(database: &TestDatabase) {
    let harness = empty(database);
    let rows = [
        "kind,parent,sku,name_ru,name_en",
        "",
        "",
        "category,,ok,\"Two\nlines\",x",
        "",
        "category,,NOT A SLUG,x,x",
        ",,,,",
        "thing,,x,x,x",
    ];
    for line_end in ["\n", "\r\n"] {
        let refused = send(&harness, "?dry_run=true", &rows.join(line_end)).expect(422);

        assert_eq!(pointers(&refused.json()), ["/rows/4/name_ru", "/rows/6/sku", "/rows/8/kind"], "{line_end:?}");
    }
}

static MAKE_LIST: Statement =
    Statement { name: "MAKE_LIST", sql: "INSERT INTO price_lists (slug, currency, edition) VALUES ('main', 'RUB', 2)" };
static MAKE_CATEGORY: Statement = Statement {
    name: "MAKE_CATEGORY",
    sql: "INSERT INTO categories (id, slug, name_ru, name_en, position, version, created_at, updated_at) \
        VALUES ('cat_01h455vb4pex5vsknk084sn02q', 'coffee', 'Кофе', 'Coffee', 1, 1, 1, 1)",
};

/// The first one is in the middle of its transaction when the second one begins to write what it planned for an empty
/// database.
fn two_first_files_at_once_are_both_written(database: &TestDatabase) {
    let harness = empty(database);
    let (first, second) = (harness.db().clone(), harness.db().clone());
    let (written, is_written) = mpsc::channel();
    let (go_on, told) = mpsc::channel();
    let is_stuck = |harness: &ServiceHarness| match harness.store().stats().write_queue {
        0 if database.is_postgres() => crate::races::waiting_for_locks(harness.db()) > 0,
        queued => queued > 0,
    };

    let summary = thread::scope(|scope| {
        scope.spawn(move || {
            let imported: Result<(), StoreError> = first.write_blocking(move |tx| {
                tx.execute(&MAKE_LIST, &params![])?;
                tx.execute(&MAKE_CATEGORY, &params![])?;
                let _ = (written.send(()), told.recv_timeout(crate::races::BOUND));
                Ok(())
            });
            imported.unwrap();
        });
        is_written.recv_timeout(crate::races::BOUND).unwrap();
        let importing = scope.spawn(move || {
            let rng: Arc<dyn Rng> = Arc::new(OsRng);
            import_menu(&second, &rng, FILE.as_bytes(), ImportMode::Apply)
        });
        let clock = SystemClock::new();
        while !is_stuck(&harness) && !importing.is_finished() {
            assert!(clock.elapsed() < crate::races::BOUND, "the second one does not wait for the first");
        }
        go_on.send(()).unwrap();
        importing.join().unwrap()
    });

    let summary = summary.unwrap();
    assert_eq!((summary.categories.created, summary.categories.unchanged), (0, 1));
    assert_eq!(summary.products.created, 3);
}

fn what_a_file_leaves_out_of_a_product_is_archived_and_the_rest_stays(database: &TestDatabase) {
    let harness = empty(database);
    let _ = send(&harness, "", FILE).expect(200);

    let smaller =
        "kind,parent,sku,name_ru,name_en,price\nproduct,coffee,latte,Латте,Latte,\nvariant,latte,latte-m,M,M,260\n";
    let summary = imported(&harness, smaller);

    assert_eq!((summary.products.changed, summary.products.created), (1, 0));
    let exported = export(&harness);
    assert!(exported.contains("variant,latte,latte-m,M,M,260.00,RUB,,,,,,,,,,,,,,no"), "{exported}");
    assert!(exported.contains("variant,latte,latte-s,S,S,220.00,RUB,,,,,,,,,,,,,,yes"));
    assert!(exported.contains("medovik"), "what the file does not name stays");
}

fn cells_that_begin_like_formulas_come_back_as_they_were(database: &TestDatabase) {
    let harness = empty(database);
    let texts = ["=1+1", "+7", "-5", "@SUM(A1)", "'=x", "'quoted'", "''-"];
    let mut csv = "kind,parent,sku,name_ru,name_en,price,currency\n".to_owned();
    for (n, text) in texts.iter().enumerate() {
        // Written as the file would be: with an apostrophe where a spreadsheet program would see a formula.
        let cell = if text.trim_start_matches('\'').starts_with(['=', '+', '-', '@']) {
            format!("'{text}")
        } else {
            (*text).to_owned()
        };
        csv.push_str(&format!("product,c,p{n},\"{cell}\",\"{cell}\",,\nvariant,p{n},'-v{n},V,V,1,RUB\n"));
    }
    let _ = send(&harness, "", &csv).expect(200);
    let exported = export(&harness);

    let cells: Vec<&str> = exported.lines().flat_map(|row| row.split(',')).collect();
    assert!(cells.iter().all(|cell| !cell.trim_matches('"').starts_with(['=', '+', '-', '@'])), "{exported}");
    let shop = harness.post("/shops").by(&Admin).json(&a_shop()).send().expect(201).json();
    let menu = harness.get(&format!("/menu?shop_id={}", shop["id"].as_str().unwrap())).send().expect(200).json();
    let names: Vec<&str> =
        menu["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect();
    assert_eq!(names, texts);
    assert_eq!(menu["items"][0]["variants"][0]["sku"], "-v0");
    assert_eq!(imported(&harness, &exported).products.unchanged, 7);
}

fn what_is_not_a_menu_is_refused(database: &TestDatabase) {
    let harness = empty(database);
    let not_utf_8 = harness.post("/catalog/import").by(&Admin).bytes("text/csv", b"kind,\xFF\n".to_vec()).send();
    assert_eq!(pointers(&not_utf_8.expect(422).json()), ["/rows"]);
    assert_eq!(pointers(&send(&harness, "", "").expect(422).json()), ["/rows"]);
    let strange = send(&harness, "", "kind,parent,sku,name_ru,colour,kind\n").expect(422);
    assert_eq!(pointers(&strange.json()), ["/rows/1/colour", "/rows/1/kind", "/rows/1/name_en"]);
    let json = harness.post("/catalog/import").by(&Admin).json(&json!({})).send();
    let _ = json.expect(415);
    let large = harness.post("/catalog/import").by(&Admin).bytes("text/csv", vec![b'x'; 5 * 1024 * 1024 + 1]).send();
    let _ = large.expect(413);
    let _ = send(&harness, "?dry_run=perhaps", FILE).expect(422);
    let many = format!("kind,parent,sku,name_ru,name_en\n{}", "category,,c,C,C\n".repeat(5_001));
    assert!(pointers(&send(&harness, "", &many).expect(422).json()).contains(&"/rows".to_owned()));
    let priceless = "kind,parent,sku,name_ru,name_en,price\nproduct,c,p,P,P,\nvariant,p,v,V,V,1\n";
    let no_list = send(&harness, "", priceless).expect(422);
    assert_eq!(pointers(&no_list.json()), ["/rows/3/currency"]);
}

fn a_file_knows_what_the_menu_has_already(database: &TestDatabase) {
    let cafe = Cafe::open(database);
    let csv = "kind,parent,sku,name_ru,name_en,price,tracked,modifier_groups\n\
        product,coffee,latte,Латте,Latte,,no,milk\nvariant,latte,latte-m,M,M,255,,\n\
        product,coffee,raf,Раф,Raf,,no,milk\nvariant,raf,raf-m,M,M,300,,\n";

    let summary = imported(&cafe.harness, csv);

    assert_eq!((summary.products.created, summary.products.changed), (1, 1));
    cafe.harness.clock().advance(std::time::Duration::from_millis(100));
    let priced = cafe.price(vec![line(cafe.latte.variant, 1)]).unwrap();
    assert_eq!(priced.items_total, rub(25_500));
    let foreign = csv
        .replace("modifier_groups\n", "modifier_groups,currency\n")
        .replace(",,\n", ",,,EUR\n")
        .replace(",milk\n", ",milk,\n");
    let rng: Arc<dyn Rng> = Arc::new(OsRng);
    let refused = import_menu(cafe.harness.db(), &rng, foreign.as_bytes(), ImportMode::Apply).unwrap_err();
    assert!(refused.members()["errors"].to_string().contains("/rows/3/currency"), "{:?}", refused.members());
}

fn a_large_file_is_written_at_once(database: &TestDatabase) {
    let harness = empty(database);
    let mut csv = "kind,parent,sku,name_ru,name_en,price,currency\n".to_owned();
    for n in 0..1_600 {
        csv.push_str(&format!("product,c{},p{n},Товар {n},Product {n},,\n", n % 20));
        csv.push_str(&format!("variant,p{n},v{n}-s,S,S,{n}.50,RUB\nvariant,p{n},v{n}-m,M,M,{n},RUB\n"));
    }

    assert_eq!(imported(&harness, &csv).products.created, 1_600);
    assert_eq!(imported(&harness, &export(&harness)).products.unchanged, 1_600);
}

fn quotation_marks_may_stand_inside_a_cell(database: &TestDatabase) {
    let cafe = Cafe::open(database);
    for marks in [r#"Пицца 30" большая,Pizza"#, r#"Пицца 30" большая,Pizza 30" large"#, r#""Пицца 30"" большая",Pizza"#]
    {
        let csv = format!("kind,parent,sku,name_ru,name_en\ncategory,,pizza,{marks}\n");

        let counted = send(&cafe.harness, "?dry_run=true", &csv).expect(200).json();

        assert_eq!(counted["categories"]["created"], 1, "{marks}: {counted}");
    }
}

fn a_quotation_that_does_not_end_is_named_by_its_row(database: &TestDatabase) {
    let cafe = Cafe::open(database);
    let heading = "kind,parent,sku,name_ru,name_en\n\ncategory,,c,C,C\n\n";
    for open in ["category,,d,D,\"D\n", "category,,d,30\" D,\"D\ncategory,,e,E,E\n", "category,,d,D,\"D\"\"\n"] {
        let refused = send(&cafe.harness, "", &format!("{heading}{open}")).expect(422).json();

        assert!(refused.to_string().contains("begins a quotation"), "{refused}");
        assert_eq!(pointers(&refused)[0], "/rows/5", "{open}: {refused}");
    }
}
