-- Shops, the menu and its prices, stock and what is held of it.

-- One row to begin with. `edition` moves on every edit of the menu; a price that was computed at an edition is
-- proved right by finding the edition unmoved.
CREATE TABLE price_lists (
    slug TEXT NOT NULL,
    currency TEXT NOT NULL,
    edition BIGINT NOT NULL,
    CONSTRAINT price_lists_pk PRIMARY KEY (slug),
    CONSTRAINT price_lists_currency_is_a_code CHECK (length(currency) = 3)
);

-- `version` is what If-Match compares. `menu_version` moves on edits of the shop, on its stop-list and when a
-- variant sells out or comes back; it is apart from `version`, so that a sale does not disturb who edits the shop.
CREATE TABLE shops (
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    address TEXT NOT NULL,
    lat DOUBLE PRECISION NOT NULL,
    lon DOUBLE PRECISION NOT NULL,
    time_zone TEXT NOT NULL,
    currency TEXT NOT NULL,
    price_list TEXT NOT NULL,
    lead_time_min BIGINT NOT NULL,
    hours TEXT NOT NULL,
    closed_days TEXT NOT NULL,
    slot_minutes BIGINT NOT NULL,
    slot_capacity BIGINT,
    version BIGINT NOT NULL,
    menu_version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    CONSTRAINT shops_pk PRIMARY KEY (id),
    CONSTRAINT shops_price_list_exists FOREIGN KEY (price_list) REFERENCES price_lists (slug),
    CONSTRAINT shops_lat_on_earth CHECK (lat BETWEEN -90 AND 90),
    CONSTRAINT shops_lon_on_earth CHECK (lon BETWEEN -180 AND 180),
    CONSTRAINT shops_lead_time_not_negative CHECK (lead_time_min >= 0),
    CONSTRAINT shops_slot_minutes_in_a_day CHECK (slot_minutes BETWEEN 1 AND 1440),
    CONSTRAINT shops_slot_capacity_positive CHECK (slot_capacity IS NULL OR slot_capacity > 0)
);

CREATE TABLE categories (
    id TEXT NOT NULL,
    slug TEXT NOT NULL,
    name_ru TEXT NOT NULL,
    name_en TEXT NOT NULL,
    position BIGINT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    CONSTRAINT categories_pk PRIMARY KEY (id),
    CONSTRAINT categories_slug_unique UNIQUE (slug)
);

-- What is no longer sold is archived: orders name products and variants for ever.
CREATE TABLE products (
    id TEXT NOT NULL,
    sku TEXT NOT NULL,
    category_id TEXT NOT NULL,
    name_ru TEXT NOT NULL,
    name_en TEXT NOT NULL,
    description TEXT,
    composition TEXT,
    nutrition TEXT,
    image_url TEXT,
    tracked BIGINT NOT NULL,
    position BIGINT NOT NULL,
    search_words TEXT NOT NULL,
    archived BIGINT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    CONSTRAINT products_pk PRIMARY KEY (id),
    CONSTRAINT products_sku_unique UNIQUE (sku),
    CONSTRAINT products_category_exists FOREIGN KEY (category_id) REFERENCES categories (id),
    CONSTRAINT products_tracked_is_a_flag CHECK (tracked IN (0, 1)),
    CONSTRAINT products_archived_is_a_flag CHECK (archived IN (0, 1))
);

CREATE TABLE variants (
    id TEXT NOT NULL,
    product_id TEXT NOT NULL,
    sku TEXT NOT NULL,
    name_ru TEXT NOT NULL,
    name_en TEXT NOT NULL,
    position BIGINT NOT NULL,
    archived BIGINT NOT NULL,
    CONSTRAINT variants_pk PRIMARY KEY (id),
    CONSTRAINT variants_sku_unique UNIQUE (sku),
    CONSTRAINT variants_product_exists FOREIGN KEY (product_id) REFERENCES products (id),
    CONSTRAINT variants_archived_is_a_flag CHECK (archived IN (0, 1))
);
CREATE INDEX variants_by_product ON variants (product_id);

CREATE TABLE variant_prices (
    price_list TEXT NOT NULL,
    variant_id TEXT NOT NULL,
    amount BIGINT NOT NULL,
    CONSTRAINT variant_prices_pk PRIMARY KEY (price_list, variant_id),
    CONSTRAINT variant_prices_list_exists FOREIGN KEY (price_list) REFERENCES price_lists (slug),
    CONSTRAINT variant_prices_variant_exists FOREIGN KEY (variant_id) REFERENCES variants (id),
    CONSTRAINT variant_prices_not_negative CHECK (amount BETWEEN 0 AND 9007199254740991)
);

CREATE TABLE modifier_groups (
    id TEXT NOT NULL,
    slug TEXT NOT NULL,
    name_ru TEXT NOT NULL,
    name_en TEXT NOT NULL,
    choices_min BIGINT NOT NULL,
    choices_max BIGINT NOT NULL,
    position BIGINT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    CONSTRAINT modifier_groups_pk PRIMARY KEY (id),
    CONSTRAINT modifier_groups_slug_unique UNIQUE (slug),
    CONSTRAINT modifier_groups_can_be_chosen CHECK (0 <= choices_min AND choices_min <= choices_max AND choices_max >= 1)
);

CREATE TABLE modifiers (
    id TEXT NOT NULL,
    group_id TEXT NOT NULL,
    slug TEXT NOT NULL,
    name_ru TEXT NOT NULL,
    name_en TEXT NOT NULL,
    position BIGINT NOT NULL,
    archived BIGINT NOT NULL,
    CONSTRAINT modifiers_pk PRIMARY KEY (id),
    CONSTRAINT modifiers_slug_unique UNIQUE (group_id, slug),
    CONSTRAINT modifiers_group_exists FOREIGN KEY (group_id) REFERENCES modifier_groups (id),
    CONSTRAINT modifiers_archived_is_a_flag CHECK (archived IN (0, 1))
);

CREATE TABLE modifier_prices (
    price_list TEXT NOT NULL,
    modifier_id TEXT NOT NULL,
    amount BIGINT NOT NULL,
    CONSTRAINT modifier_prices_pk PRIMARY KEY (price_list, modifier_id),
    CONSTRAINT modifier_prices_list_exists FOREIGN KEY (price_list) REFERENCES price_lists (slug),
    CONSTRAINT modifier_prices_modifier_exists FOREIGN KEY (modifier_id) REFERENCES modifiers (id),
    CONSTRAINT modifier_prices_not_negative CHECK (amount BETWEEN 0 AND 9007199254740991)
);

CREATE TABLE product_modifier_groups (
    product_id TEXT NOT NULL,
    group_id TEXT NOT NULL,
    position BIGINT NOT NULL,
    CONSTRAINT product_modifier_groups_pk PRIMARY KEY (product_id, group_id),
    CONSTRAINT product_modifier_groups_product_exists FOREIGN KEY (product_id) REFERENCES products (id),
    CONSTRAINT product_modifier_groups_group_exists FOREIGN KEY (group_id) REFERENCES modifier_groups (id)
);

-- What a shop cannot sell now: a product, a variant or a modifier. Null: until it is taken off the list.
CREATE TABLE stop_list (
    shop_id TEXT NOT NULL,
    item_id TEXT NOT NULL,
    until_at BIGINT,
    reason TEXT,
    created_at BIGINT NOT NULL,
    CONSTRAINT stop_list_pk PRIMARY KEY (shop_id, item_id),
    CONSTRAINT stop_list_shop_exists FOREIGN KEY (shop_id) REFERENCES shops (id)
);
CREATE INDEX stop_list_by_end ON stop_list (until_at) WHERE until_at IS NOT NULL;

CREATE TABLE stock_levels (
    shop_id TEXT NOT NULL,
    variant_id TEXT NOT NULL,
    on_hand BIGINT NOT NULL,
    reserved BIGINT NOT NULL,
    CONSTRAINT stock_levels_pk PRIMARY KEY (shop_id, variant_id),
    CONSTRAINT stock_levels_shop_exists FOREIGN KEY (shop_id) REFERENCES shops (id),
    CONSTRAINT stock_levels_variant_exists FOREIGN KEY (variant_id) REFERENCES variants (id),
    CONSTRAINT stock_levels_on_hand_not_negative CHECK (on_hand >= 0),
    CONSTRAINT stock_levels_reserved_not_negative CHECK (reserved >= 0),
    CONSTRAINT stock_levels_never_oversold CHECK (reserved <= on_hand)
);

-- Append-only; `quantity` is what was added, negative for what left.
CREATE TABLE stock_movements (
    id TEXT NOT NULL,
    shop_id TEXT NOT NULL,
    variant_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    quantity BIGINT NOT NULL,
    order_id TEXT,
    reason TEXT,
    created_at BIGINT NOT NULL,
    CONSTRAINT stock_movements_pk PRIMARY KEY (id),
    CONSTRAINT stock_movements_kind_known CHECK (kind IN ('receipt', 'write_off', 'count', 'sale', 'return')),
    CONSTRAINT stock_movements_sale_names_its_order CHECK ((kind IN ('sale', 'return')) = (order_id IS NOT NULL)),
    CONSTRAINT stock_movements_direction CHECK (
        (kind IN ('receipt', 'return') AND quantity > 0)
        OR (kind IN ('write_off', 'sale') AND quantity < 0)
        OR kind = 'count'
    ),
    CONSTRAINT stock_movements_level_exists FOREIGN KEY (shop_id, variant_id) REFERENCES stock_levels (shop_id, variant_id)
);
CREATE INDEX stock_movements_by_variant ON stock_movements (shop_id, variant_id);
-- An order sells a variant once and brings it back once, however often it is told.
CREATE UNIQUE INDEX stock_movements_once_per_order ON stock_movements (order_id, variant_id, kind) WHERE order_id IS NOT NULL;

-- One row per order: what is held of the stock ({variant: quantity}) and the lines as they were priced.
-- `asked` counts how often the hold was asked for. No foreign key: the row is inserted out of the shop's own row.
CREATE TABLE stock_holds (
    order_id TEXT NOT NULL,
    shop_id TEXT NOT NULL,
    state TEXT NOT NULL,
    stock TEXT NOT NULL,
    lines TEXT NOT NULL,
    ask_at BIGINT NOT NULL,
    asked BIGINT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    CONSTRAINT stock_holds_pk PRIMARY KEY (order_id),
    CONSTRAINT stock_holds_state_known CHECK (state IN ('active', 'committed', 'released', 'returned'))
);
CREATE INDEX stock_holds_to_ask ON stock_holds (ask_at) WHERE state = 'active';
