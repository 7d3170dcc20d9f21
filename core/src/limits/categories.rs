//! Merchant categories: the codes of ISO 18245, and named groups of them.

use std::sync::LazyLock;

/// The assigned codes. 3000 to 3999 are not listed: they are airlines, car rental and hotels, by name.
static ASSIGNED: LazyLock<Vec<u16>> = LazyLock::new(|| {
    let codes = include_str!("mcc.txt").split_whitespace();
    codes.filter_map(|code| code.parse().ok()).collect()
});

/// A named group of merchant categories.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    /// The name used in spending controls.
    pub name: &'static str,
    /// A description for the guide.
    pub about: &'static str,
    /// Ranges of codes, both ends included.
    pub codes: &'static [(u16, u16)],
}

const fn group(name: &'static str, about: &'static str, codes: &'static [(u16, u16)]) -> Group {
    Group { name, about, codes }
}

pub const GROUPS: &[Group] = &[
    group("airlines", "Airlines and air carriers", &[(3000, 3350), (4511, 4511)]),
    group("automotive", "Car dealers, parts, repair and washing", &[(5511, 5533), (5571, 5599), (7531, 7549)]),
    group("car_rental", "Car, truck and motor-home rental", &[(3351, 3500), (7512, 7519)]),
    group("cash", "Cash from machines and counters", &[(6010, 6011)]),
    group("charity", "Charities, religious and political organisations", &[(8398, 8398), (8651, 8661)]),
    group("clothing", "Clothing, shoes and accessories", &[(5611, 5699)]),
    group("digital_goods", "Games, media and software delivered online", &[(5815, 5818)]),
    group("education", "Schools, universities and courses", &[(8211, 8299)]),
    group("electronics", "Electronics, computers and software shops", &[(5045, 5045), (5732, 5735)]),
    group("entertainment", "Cinema, theatre, sports and amusement", &[(7829, 7929), (7932, 7994), (7996, 7999)]),
    group("financial_services", "Money transfer, securities, insurance, quasi cash", &[(4829, 4829), (6012, 6540)]),
    group("fuel", "Service stations, automated pumps, charging", &[(5541, 5542), (5552, 5552), (5983, 5983)]),
    group("gambling", "Betting, casinos, lotteries", &[(7800, 7802), (7995, 7995), (9406, 9406)]),
    group("government", "Taxes, fines, court costs and other government services", &[(9211, 9405), (9407, 9411)]),
    group("groceries", "Supermarkets and food shops", &[(5411, 5499)]),
    group(
        "health",
        "Doctors, hospitals, pharmacies",
        &[(4119, 4119), (5122, 5122), (5912, 5912), (5975, 5977), (8011, 8099)],
    ),
    group("home", "Furniture, household and building materials", &[(5200, 5271), (5712, 5722)]),
    group("liquor_and_bars", "Liquor shops, bars and nightclubs", &[(5813, 5813), (5921, 5921)]),
    group("lodging", "Hotels, motels, camping, timeshares", &[(3501, 3999), (7011, 7012), (7032, 7033)]),
    group(
        "professional_services",
        "Legal, accounting, consulting, advertising",
        &[(7311, 7399), (8111, 8111), (8911, 8999)],
    ),
    group("restaurants", "Restaurants, caterers, fast food", &[(5811, 5812), (5814, 5814)]),
    group(
        "shopping",
        "Department, discount, variety and other shops",
        &[(5300, 5399), (5931, 5973), (5978, 5982), (5992, 5999)],
    ),
    group("telecom_and_utilities", "Telephone, internet, television, power and water", &[(4812, 4816), (4899, 4900)]),
    group(
        "transport",
        "Local transport, taxis, trains, buses, tolls, parking",
        &[(4011, 4112), (4121, 4131), (4784, 4789), (7523, 7523)],
    ),
    group("travel", "Travel agencies, cruises and tours", &[(4411, 4411), (4722, 4723)]),
];

pub fn is_assigned(code: &str) -> bool {
    let four = code.len() == 4 && code.bytes().all(|byte| byte.is_ascii_digit());
    let number: Option<u16> = code.parse().ok().filter(|_| four);
    number.is_some_and(|number| (3000..=3999).contains(&number) || ASSIGNED.binary_search(&number).is_ok())
}

/// Whether a text is an assigned code or a group.
pub fn is_category(text: &str) -> bool {
    is_assigned(text) || GROUPS.iter().any(|group| group.name == text)
}

/// Whether a category (a code or a group) covers a merchant's code.
pub fn covers(category: &str, code: &str) -> bool {
    if category == code {
        return true;
    }
    let Some(number) = code.parse::<u16>().ok() else { return false };
    let group = GROUPS.iter().find(|group| group.name == category);
    group.is_some_and(|group| group.codes.iter().any(|(from, to)| (*from..=*to).contains(&number)))
}

#[cfg(test)]
mod tests {
    use super::{ASSIGNED, GROUPS, covers, is_assigned, is_category};

    #[test]
    fn codes_and_groups_are_known() {
        for (text, known) in [
            ("5812", true),
            ("3000", true),
            ("3999", true),
            ("0742", true),
            ("742", false),
            ("0001", false),
            ("9999", false),
            ("restaurants", true),
            ("Restaurants", false),
            ("58 12", false),
            ("+581", false),
            ("", false),
        ] {
            assert_eq!(is_category(text), known, "{text}");
        }
        assert!(ASSIGNED.is_sorted() && ASSIGNED.len() > 250);
    }

    #[test]
    fn groups_cover_their_codes() {
        for (category, code, expected) in [
            ("restaurants", "5812", true),
            ("restaurants", "5813", false),
            ("gambling", "7995", true),
            ("entertainment", "7995", false),
            ("fuel", "5542", true),
            ("5812", "5812", true),
            ("5812", "5814", false),
            ("cash", "6011", true),
            ("nothing", "6011", false),
        ] {
            assert_eq!(covers(category, code), expected, "{category} {code}");
        }
        for group in GROUPS {
            let used =
                group.codes.iter().any(|(from, to)| (*from..=*to).any(|code| is_assigned(&format!("{code:04}"))));
            assert!(used, "{} covers no assigned code", group.name);
            assert!(group.codes.iter().all(|(from, to)| from <= to), "{}", group.name);
        }
    }
}
