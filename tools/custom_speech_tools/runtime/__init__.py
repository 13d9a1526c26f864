"""What every call goes through: its arguments, its connection, its permission, its answer."""
