package sim

// name is a part of a person's name with its spelling in an e-mail address.
type name struct {
	text, slug string
}

// The people are invented. Both lists hold scripts and marks beyond ASCII, because
// directories do. Their lengths share no factor, so that a full name comes back only
// after every pair has been used.
var givenNames = []name{
	{"Amara", "amara"}, {"Björn", "bjorn"}, {"Chiara", "chiara"}, {"Dmitri", "dmitri"},
	{"Élodie", "elodie"}, {"Farid", "farid"}, {"Grace", "grace"}, {"Hiroshi", "hiroshi"},
	{"Ifeoma", "ifeoma"}, {"João", "joao"}, {"Kavya", "kavya"}, {"Łukasz", "lukasz"},
	{"Meera", "meera"}, {"Niamh", "niamh"}, {"Omar", "omar"}, {"Priya", "priya"},
	{"Quentin", "quentin"}, {"Rosa", "rosa"}, {"Søren", "soren"}, {"Tomás", "tomas"},
	{"Ulla", "ulla"}, {"Vusi", "vusi"}, {"Wanjiru", "wanjiru"}, {"Ximena", "ximena"},
	{"Yusuf", "yusuf"}, {"Zoë", "zoe"}, {"Aroha", "aroha"}, {"Bao", "bao"},
	{"Δάφνη", "dafni"}, {"美咲", "misaki"}, {"Leilani", "leilani"}, {"Noam", "noam"},
}

var familyNames = []name{
	{"Okafor", "okafor"}, {"Lindqvist", "lindqvist"}, {"Moretti", "moretti"}, {"Volkov", "volkov"},
	{"Lefèvre", "lefevre"}, {"Haddad", "haddad"}, {"O'Connell", "oconnell"}, {"Tanaka", "tanaka"},
	{"Nwosu", "nwosu"}, {"Gonçalves", "goncalves"}, {"Raghavan", "raghavan"}, {"Żeleński", "zelenski"},
	{"Iyer", "iyer"}, {"Brannigan", "brannigan"}, {"Al-Masri", "almasri"}, {"Deshmukh", "deshmukh"},
	{"Van der Berg", "vanderberg"}, {"Castellanos", "castellanos"}, {"Kjær", "kjaer"}, {"Núñez", "nunez"},
	{"Virtanen", "virtanen"}, {"Dlamini", "dlamini"}, {"Kamau", "kamau"}, {"Quiroga", "quiroga"},
	{"Yıldız", "yildiz"}, {"Müller", "muller"}, {"Ngata", "ngata"}, {"Nguyễn", "nguyen"},
	{"Παπαδάκη", "papadaki"}, {"佐藤", "sato"}, {"Kealoha", "kealoha"}, {"Ben-Ari", "benari"},
	{"Whitfield", "whitfield"},
}
