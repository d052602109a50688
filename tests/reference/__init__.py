"""What other packages give, stored beside the scripts that asked them."""
