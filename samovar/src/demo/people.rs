//! The people of the demo: names of guests and staff, and the addresses they sign in with.

/// A name as people write it, and its Latin form for the e-mail address.
const NAMES: &[(&str, &str)] = &[
    ("Анна", "anna"),
    ("Иван", "ivan"),
    ("Мария", "maria"),
    ("Пётр", "pyotr"),
    ("Ольга", "olga"),
    ("Сергей", "sergey"),
    ("Екатерина", "ekaterina"),
    ("Дмитрий", "dmitry"),
    ("Наталья", "natalia"),
    ("Алексей", "alexey"),
    ("Татьяна", "tatiana"),
    ("Андрей", "andrey"),
    ("Елена", "elena"),
    ("Михаил", "mikhail"),
    ("Юлия", "yulia"),
    ("Николай", "nikolay"),
    ("Ирина", "irina"),
    ("Владимир", "vladimir"),
    ("Светлана", "svetlana"),
    ("Павел", "pavel"),
    ("Дарья", "daria"),
    ("Кирилл", "kirill"),
    ("Полина", "polina"),
    ("Артём", "artyom"),
    ("Ксения", "ksenia"),
    ("Максим", "maxim"),
    ("Вера", "vera"),
    ("Егор", "egor"),
    ("Надежда", "nadezhda"),
    ("Роман", "roman"),
];

/// The name and the e-mail address of the guest with this number.
pub(crate) fn guest(number: usize) -> (String, String) {
    let (name, latin) = NAMES[number % NAMES.len()];
    match number / NAMES.len() {
        0 => (name.to_owned(), format!("{latin}@guests.example")),
        round => (name.to_owned(), format!("{latin}{}@guests.example", round + 1)),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    #[test]
    fn no_two_guests_share_an_address() {
        let addresses: HashSet<_> = (0..200).map(|n| super::guest(n).1).collect();

        assert_eq!(addresses.len(), 200);
    }
}
