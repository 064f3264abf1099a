// A whole agent in Go, without a module: posts the counters of interfaces every ten seconds.
//
//	UPTALLY_SERVER=http://127.0.0.1:8080 UPTALLY_KEY=... go run agent.go eth0=vm-1 [NIC=VM ...]
//
// Samples have the guest's view: at a host's end of a guest (tap, vnet) exchange rx and tx.
package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"
)

func read(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return strings.TrimSpace(string(text))
}

// post sends the same bytes until they are taken: what comes twice counts once.
func post(body []byte) string {
	for {
		request, _ := http.NewRequest("POST", os.Getenv("UPTALLY_SERVER")+"/v1/samples", bytes.NewReader(body))
		request.Header.Set("Authorization", "Bearer "+os.Getenv("UPTALLY_KEY"))
		request.Header.Set("Content-Type", "application/x-ndjson")
		wait := 5
		if answer, err := http.DefaultClient.Do(request); err == nil {
			text, _ := io.ReadAll(answer.Body)
			answer.Body.Close()
			if answer.StatusCode == http.StatusAccepted {
				return string(text)
			}
			if answer.StatusCode != http.StatusTooManyRequests && answer.StatusCode < 500 {
				fmt.Fprintln(os.Stderr, answer.Status, string(text))
				os.Exit(1)
			}
			if seconds, err := strconv.Atoi(answer.Header.Get("Retry-After")); err == nil {
				wait = seconds
			}
		}
		time.Sleep(time.Duration(wait) * time.Second)
	}
}

func main() {
	rounds, _ := strconv.Atoi(os.Getenv("ROUNDS"))
	interval, err := time.ParseDuration(os.Getenv("INTERVAL") + "s")
	if err != nil {
		interval = 10 * time.Second
	}
	// the boot: counters begin anew
	epoch := regexp.MustCompile(`(?m)^btime (\d+)`).FindStringSubmatch(read("/proc/stat"))[1]
	for done := 0; rounds == 0 || done < rounds; done++ {
		var body bytes.Buffer
		for _, pair := range os.Args[1:] {
			nic, vm, _ := strings.Cut(pair, "=")
			statistics := "/sys/class/net/" + nic + "/statistics/"
			fmt.Fprintf(&body, `{"vm":%q,"nic":%q,"ts":%d,"epoch":%s,"rx_bytes":%s,"tx_bytes":%s}`+"\n",
				vm, nic, time.Now().UnixMilli(), epoch, read(statistics+"rx_bytes"), read(statistics+"tx_bytes"))
		}
		fmt.Println(post(body.Bytes()))
		time.Sleep(interval)
	}
}
