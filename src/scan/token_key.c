/* token_key.c: the key of tokens that a server must refuse, as whoever attacks it would bring one. It protects nothing;
 * that it is known lets an attack be repeated by hand, and a key of 2,048 bits takes longer to be made than a check. */
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/encode.h"
#include "scan/token.h"

static const char attacker[] =
	"MIIEowIBAAKCAQEA4GZ6d0/D8O5mmv92HsFJToRHo0MWRlaT4OSaIMCZa9enUriLiic62UYzhN3OtXi018kbXdR9fUDeuvS6"
	"enUpP+K0SXm30/dYk1TAdqmyDGDodOY+qNTvec2t1TnreuaedAoO6+KFgyNsmwHrWSklBtgdVfvA1YONEAfhFVeET/aHPvhU"
	"bM86Bwf2Y5HgyKo2osmiBIiJ1//mziFu/ufYCbNLcdtGOvHSIR6oY1lG2jzxDylAgtWpUm44MCdBrU6Uy/CuHwSLb5ypfZEG"
	"QjE/KGWFbawlcnbXcj/gKJQ01zoKwVGNq5AaDZZVTIeX54PcKrXhXtsM3HJ07NBWhOWTfQIDAQABAoIBABOG92tAhrWFmWot"
	"htLgUQfDHRTI9rxCNnYgjoUBHZiz2HyrUIFCLq3PnRYX0zAZg+svNfFxV0Y6CefM+hlD7sX/bV7jd6q7YHrZqjHpTHQlTrU1"
	"gAhjFz/LNTBT7Pjx7qH8ahX+zU1/HKlUfm1w1icFUXA1Cy/JVdIqTVz1E699g7nSYbcYXFmh9awC0hMzrPeNQJfk9oudgkGG"
	"X3HL+XeLfS8zMteAJafQgwp0gyImDL8oSdw4mONWE7j6pASYTzFaBOjXroXIErt/zOlGbhEOU+RWyy2UhIEsLmLjSUpEKRot"
	"O3bPUReBOlgiAy7CZfzT+OsThiru7Ire0EMk2IECgYEA/Xj3JEDSKSEmNMP4wNdgRMpRlXFy9MszRwbH0li7SrK9i3C2+lr7"
	"wymVHokmKPjFHILIDIZul1CPAmp/Va5pLsf8SJ5JxB5IDZH+ntI6z2dakKZki4AVmRe2I8PK0pR8uiiFeMrapbtSWiHXqn0v"
	"4/F6aI3AYPfJEy4snuWlmd0CgYEA4qNNBqDgDEZVa7U2XanWWU3Azp8iZpB0jvGm3d1eRuLVwa3mqZIrbI+/RtXGmCwzEMeW"
	"FMP1ANzinnMt3qc2vwt8iDU+x5xyhtd7lQp0Pn1Jwfq8d9wJ+emRQIr06vd8Y6jOs4Mrsg0fZ1ULzOGdsCrHq6xpCT23dJtu"
	"SzfG1iECgYEAxEE/4eMKlevjwCEoXm+kSz73UiWII3+d0VWvq+8l/N1OI0P/ePKvUlnE6uK4GCsdu0iLih8gS6qFQBKjSv0C"
	"1cTkUnm0ldP4aAFtSx1tiZ71oWAkI1rl3iZc0W5MgSWVOTIcvf0atA3I4p6ndIr/ZJdY9tEibjIMjvxGcjVPNkUCgYB/E8ed"
	"vtjBqTI+WXZpYFCS9Fj2wh3c2oSwnejNoFE7d/cZSTP7wrzce2FqC3X2X1omv3J0pEedOz1KURTYMnQs/PjPuuM/s4Y3+10M"
	"/baeT0vrG3dP0a46Ve+e/AtGMIyrqLx1xUfb5yXDn9klASCU5ffdV6fxiYxzMq/ONzEjYQKBgDpf4NtWPpUK2yzdahnK2YVs"
	"zpzCDnue2gLGh625RE2uzhIdH9npoi6ys+LGjr34epOArcM+WsFe1zhWGF0IwBa9eFUzBaaatmL9K9HjlIURjoA5FGEwQ/AW"
	"AmMkyr7hWpTuWXSN1cXitgCP3NON/7FuTuXu/1AloLowOAltdYko";

struct evp_pkey_st *token_attacker_key(void)
{
	uint8_t octets[sizeof(attacker)];
	const uint8_t *at = octets;
	ptrdiff_t size = decode_base64(attacker, sizeof(attacker) - 1, 0, octets);

	return size > 0 ? d2i_AutoPrivateKey(NULL, &at, (long)size) : NULL;
}
