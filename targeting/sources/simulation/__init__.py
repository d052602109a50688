"""A made-up retailer whose campaigns have known effects: shoppers, products, tills and mailings from one seed."""
